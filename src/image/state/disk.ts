import { statfsSync } from 'node:fs';
import { ClocheError } from '../../error.ts';

/** What the kernel and SQLite call a disk, or a quota, that is full. */
const FULL = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE'];

/** Does `action`, and says it in words when there is no room on the disk. @throws `DISK_FULL` */
export function sayingDiskFull<T>(root: string, action: () => T): T {
  try {
    const result = action();
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw named(root, error);
    }) as T;
  } catch (error) {
    throw named(root, error);
  }
}

function named(root: string, error: unknown): unknown {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string' || !FULL.includes(code)) return error;
  return new ClocheError('DISK_FULL', `no space left on the disk of '${root}'`, {
    class: 'unavailable',
    hint: hintFor(root),
    cause: error,
    details: { root, errno: code },
  });
}

/** Less than this many bytes is nothing: programs give up before the last block is taken. */
const NOTHING = 1 << 20;

/** Why a program that wrote to the disk of `root` may have failed, in words; undefined if there is room. */
export function fullDisk(root: string): string | undefined {
  const { bavail, bsize, files, ffree } = statfsSync(root);
  // Some file systems do not count files.
  const isFull = bavail * bsize < NOTHING || (files > 0 && ffree === 0);
  return isFull ? `There is no space left on the disk of '${root}'. ${hintFor(root)}` : undefined;
}

function hintFor(root: string): string {
  return `df -h ${root} shows it. Nothing was lost; make room, or set CLOCHE_ROOT to another disk.`;
}
