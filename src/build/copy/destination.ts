import { ClocheError } from '../../error.ts';
import type { EntryKind, RawPath } from '../../image/layer/scan.ts';
import type { Xattrs } from '../../image/layer/xattr.ts';
import type { Walk } from '../../image/tree.ts';
import type { Item } from './gather.ts';
import type { Owner } from './owner.ts';

/** Owner, mode and times that something gets. */
export interface Dress {
  readonly owner: Owner;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** Nanoseconds since the epoch. */
  readonly mtime: bigint;
  readonly xattrs?: Xattrs | undefined;
}

/** A file tree that is written to. Paths given to it hold no links; what is above of them is there. */
export interface Destination {
  /** What is at a path; undefined if nothing. */
  at(path: RawPath): { readonly kind: EntryKind } | undefined;
  /** A new directory. */
  makeDirectory(path: RawPath, dress: Dress): void;
  /** A directory that exists. */
  dressDirectory(path: RawPath, dress: Dress): void;
  /**
   * Makes room for what is put there next.
   *
   * @throws {ClocheError} `COPY_CONFLICT`: there is a directory, unless it may be replaced
   */
  makeRoom(path: RawPath, replacesDirectories?: boolean): void;
  /** Everything but a directory. */
  put(path: RawPath, item: Item, dress: Dress): Promise<void>;
  /** One more name of what was put at `first`. */
  link(first: RawPath, path: RawPath): void;
  /** Once, after all. */
  finish(): Promise<void>;
}

/** Makes the directories that are missing, mode 0755. @throws {ClocheError} `COPY_CONFLICT` */
export function makeAll(into: Destination, { node, missing }: Walk, owner: Owner): RawPath {
  if (node.kind !== 'directory') throw conflict(`'/${node.path}' is not a directory`);
  let path = node.path;
  for (const name of missing) {
    path = inside(path, name);
    into.makeDirectory(path, { owner, mode: 0o755, mtime: BigInt(Date.now()) * 1_000_000n });
  }
  return path;
}

export function inside(directory: RawPath, name: RawPath): RawPath {
  return directory === '' ? name : `${directory}/${name}`;
}

export function conflict(message: string): ClocheError {
  return new ClocheError('COPY_CONFLICT', message, {
    class: 'conflict',
    hint: 'Copy to another place, or remove what is there first.',
  });
}
