import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/**
 * Writes a file so that nobody ever sees half of it, whatever is killed: under the temporary name,
 * which must be on the same file system and is beside it if none is given, then fsync, then rename(2).
 */
export function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  temporary = `${path}.${process.pid}.part`,
  mode = 0o644,
): void {
  const fd = openSync(temporary, 'wx', mode);
  try {
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}
