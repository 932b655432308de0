import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a pid where an engine looks for it: whoever finds the file finds all of it. conmon does not wait
 * for the command to end, and reads it as soon as it is there.
 */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  const temporary = join(dirname(path), `.${basename(path)}`);
  try {
    writeFileSync(temporary, String(pid));
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
