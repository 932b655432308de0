import { HOST_ARCH } from '../linux/abi/arch.ts';
import type { Step } from '../linux/plan/index.ts';
import { defaultPolicy, seccompSteps } from '../linux/seccomp/index.ts';
import type { RunOptions } from './options.ts';

/** The filter of a container: docker's default policy, none for a privileged one. */
export function seccompOf(options: RunOptions, capabilities: readonly string[]): readonly Step[] {
  return options.privileged ? [] : seccompSteps(defaultPolicy(capabilities), HOST_ARCH).steps;
}
