import type { Step } from '../linux/plan/index.ts';
import type { RunOptions } from './options.ts';

/** The filter of a container: docker's default policy, none for a privileged one. */
export function seccompOf(_options: RunOptions, _capabilities: readonly string[]): readonly Step[] {
  return [];
}
