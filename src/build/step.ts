import type { ActiveSnapshot } from '../image/index.ts';

/** An operation, ready to be done in an active snapshot. */
export interface Step {
  /** JSON: what its result depends on beside the operation itself and what it stands on. */
  readonly facts: unknown;
  perform(active: ActiveSnapshot): Promise<void>;
  /** Once, whether it was performed or not. */
  release?(): void;
}
