import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf, hexOf, sha256 } from '../../image/digest.ts';
import { directorySize } from '../../image/directory-size.ts';
import { type Store, temporaryPath } from '../../image/index.ts';
import { writeFileAtomically } from '../../image/state/atomic.ts';
import type { Node } from '../../image/tree.ts';

/** Tells files' contents apart: sha256 in hex. */
export interface Digests {
  /** @param host where the file lies on this machine. */
  of(node: Pick<Node, 'stat'>, host: Buffer): string;
}

/** Reads each file. */
export const READING: Digests = { of: (_, host) => fileDigest(host) };

/** Those of a build context, which mostly are the same as in the last build. */
export interface RememberedDigests extends Digests {
  /** Once all were asked for: remembers them for the next build. */
  keep(): void;
}

/** How long a file must have been left alone, in milliseconds. */
const SETTLED = 2000;

/** Whether what was changed then, in milliseconds, was left alone for so long that its times are proof of its content. */
export function isSettled(changed: number): boolean {
  return changed < Date.now() - SETTLED;
}

/** So many contexts are remembered. */
const CONTEXTS = 30;
/** How many files that a build did not ask for are kept in mind beside those that it did. */
const UNSEEN = 100_000;

/**
 * Remembers by inode, size, mtime and ctime what each file of a context held, so that the next build reads
 * only what is new: whoever writes to a file changes its ctime, and nobody can set that. A file that was
 * written to less than two seconds ago is not remembered, since it could be again before the clock that
 * ctimes are taken from moves on (git-update-index(1) calls such entries racy).
 *
 * It lies in `cache/digests` of the state directory, a file for each context; one that cannot be read is
 * as good as none.
 *
 * @param directory the context, absolute.
 */
export function rememberedDigests(store: Store, directory: string): RememberedDigests {
  const path = join(folderOf(store), hexOf(digestOf(directory)));
  let read: Map<string, string> | undefined;
  const known = () => (read ??= readMemory(path));
  const seen = new Map<string, string>();
  let isNew = false;
  return {
    of({ stat }, host) {
      const inode = `${stat.dev}:${stat.ino}`;
      const facts = `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} `;
      const remembered = known().get(inode);
      if (remembered?.startsWith(facts)) {
        seen.set(inode, remembered);
        return remembered.slice(facts.length);
      }
      const changed = Math.max(Number(stat.mtimeMs), Number(stat.ctimeMs));
      const isProof = isSettled(changed);
      const digest = fileDigest(host);
      if (isProof) seen.set(inode, facts + digest);
      isNew ||= isProof;
      return digest;
    },
    keep() {
      if (!isNew) return;
      const all = known().size > seen.size + UNSEEN ? seen : new Map([...known(), ...seen]);
      try {
        write(store, path, all);
      } catch {
        // On a disk that is full, say: the next build reads all again.
      }
    },
  };
}

/** Forgets all of them; the next builds read everything. @returns the bytes that were freed */
export function forgetDigests(store: Store): number {
  const folder = folderOf(store);
  const size = existsSync(folder) ? directorySize(folder) : 0;
  rmSync(folder, { recursive: true, force: true });
  return size;
}

function folderOf(store: Store): string {
  return join(store.root, 'cache/digests');
}

function readMemory(path: string): Map<string, string> {
  const known = new Map<string, string>();
  let text = '';
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    // There was no build of it yet.
  }
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ');
    if (at > 0) known.set(line.slice(0, at), line.slice(at + 1));
  }
  return known;
}

function write(store: Store, path: string, all: ReadonlyMap<string, string>): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lines = [...all].map(([inode, facts]) => `${inode} ${facts}\n`);
  writeFileAtomically(path, lines.join(''), temporaryPath(store), 0o600);
  forgetOldest(folder);
}

function forgetOldest(folder: string): void {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  if (paths.length <= CONTEXTS) return;
  const age = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const [oldest] = paths.sort((a, b) => age(a) - age(b));
  if (oldest !== undefined) rmSync(oldest, { force: true });
}

function fileDigest(host: Buffer): string {
  const hash = sha256();
  const fd = openSync(host, 'r');
  try {
    const chunk = Buffer.allocUnsafe(1 << 16);
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk))
      hash.update(chunk.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}
