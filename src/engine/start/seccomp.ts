import { HOST_ARCH } from '../../linux/abi/arch.ts';
import { DEFAULT_CAPABILITIES } from '../../linux/capabilities.ts';
import type { Step } from '../../linux/plan/index.ts';
import { defaultPolicy, filterSteps, seccompSteps } from '../../linux/seccomp/index.ts';
import { DEFAULT_FILTER } from './prebuilt.ts';

/** The filter of a container, docker's default policy; none if it is privileged, or none is wanted. */
export function seccompOf(unfiltered: boolean, capabilities: readonly string[]): readonly Step[] {
  if (unfiltered) return [];
  const usual = new Set<string>(DEFAULT_CAPABILITIES);
  return capabilities.length === usual.size && capabilities.every((name) => usual.has(name))
    ? filterSteps(DEFAULT_FILTER)
    : seccompSteps(defaultPolicy(capabilities), HOST_ARCH).steps;
}
