import { type Dirent, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { unlessGone } from '../../linux/proc/read.ts';
import { fromRawQuickly, type RawPath, toRaw } from '../layer/scan.ts';

/** So many bytes a path may have below the top; what lies deeper is brought up first. */
const LONGEST = 512;

/**
 * Removes a file, or a directory with all that is in it, however deep; fine if it is not there. Links are
 * removed and not followed. The work grows with what there is, be it wide or deep: `rmSync` of Bun goes down
 * from the top again for each level below some sixteen, and takes a minute for what a container makes in a
 * second: `while mkdir d; do cd d; done`.
 *
 * @throws what rmdir(2) and unlink(2) say, EBUSY of a mount point for instance.
 */
export function removeTree(path: string | Buffer): void {
  const top = typeof path === 'string' ? toRaw(path) : path.toString('latin1');
  const deep: RawPath[] = [];
  if (unlinked(top)) return;
  const bringUp = (directory: RawPath) => {
    const to = `${top}/${crypto.randomUUID()}`;
    unlessGone(() => renameSync(fromRawQuickly(directory), fromRawQuickly(to)));
    deep.push(to);
  };
  clear(top, top.length + LONGEST, bringUp);
  for (let next = deep.pop(); next !== undefined; next = deep.pop()) {
    clear(next, top.length + LONGEST, bringUp);
    unlessGone(() => rmdirSync(fromRawQuickly(next)));
  }
  unlessGone(() => rmdirSync(fromRawQuickly(top)));
}

/** Empties a directory, but for directories whose path would be longer than that: these are given away. */
function clear(directory: RawPath, longest: number, giveAway: (directory: RawPath) => void): void {
  for (const entry of unlessGone(() => list(directory)) ?? []) {
    const path = `${directory}/${entry.name}`;
    if (!entry.isDirectory() && unlinked(path)) continue;
    if (path.length > longest) giveAway(path);
    else {
      clear(path, longest, giveAway);
      unlessGone(() => rmdirSync(fromRawQuickly(path)));
    }
  }
}

function list(directory: RawPath): Dirent[] {
  return readdirSync(fromRawQuickly(directory), { withFileTypes: true, encoding: 'latin1' });
}

/** @returns whether it is gone: a directory is not */
function unlinked(path: RawPath): boolean {
  try {
    unlinkSync(fromRawQuickly(path));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EISDIR') return false;
    if (code === 'ENOENT') return true;
    throw error;
  }
}
