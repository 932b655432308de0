import type { ActiveSnapshot } from '../image/index.ts';

/** Digests of names, modes and content, by path. */
export type FileFacts = ReadonlyMap<string, string>;

/** An operation, ready to be done in an active snapshot. */
export interface Step {
  /** JSON: what its result depends on beside the operation itself and what it stands on. */
  readonly facts: unknown;
  /** What `facts` says of each file, by its path: so that it can be told later which one changed. */
  files?: (() => FileFacts | Promise<FileFacts>) | undefined;
  perform(active: ActiveSnapshot): Promise<void>;
  /** Once, whether it was performed or not. */
  release?(): void;
}
