import { readFileSync, readlinkSync } from 'node:fs';

/** A process by its number, or the one that asks. */
export type Pid = number | 'self';

/** Where a reader looks; another place when a container's own /proc shall be read. */
export const PROC = '/proc';

/**
 * A whole file of /proc as text, or undefined when the process it tells of is gone.
 *
 * A process may vanish between open(2), which says ENOENT then, and read(2), which says ESRCH.
 * Source: proc(5).
 *
 * @throws whatever else read(2) says, EACCES for instance.
 */
export function readProcText(path: string): string | undefined {
  return unlessGone(() => readFileSync(path, 'utf8'));
}

/** Where a link of /proc leads, or undefined when there is no such thing any more. */
export function readProcLink(path: string): string | undefined {
  return unlessGone(() => readlinkSync(path));
}

/** What `read` gives, or undefined when what it reads has gone away. */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
