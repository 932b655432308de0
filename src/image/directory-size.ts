import { lstatSync, readdirSync } from 'node:fs';

/** Bytes of the files below a directory; a file with several names counts once. */
export function directorySize(directory: string): number {
  const seen = new Set<number>();
  const visit = (at: string): number => {
    let sum = 0;
    for (const name of entriesOf(at)) {
      const path = Buffer.concat([Buffer.from(`${at}/`, 'latin1'), name]);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat?.isDirectory()) sum += visit(path.toString('latin1'));
      else if (stat?.isFile() && !seen.has(stat.ino)) sum += stat.size;
      if (stat !== undefined) seen.add(stat.ino);
    }
    return sum;
  };
  return visit(Buffer.from(directory).toString('latin1'));
}

/** Who removes a file meanwhile is no error; a path is bytes, spelled in latin1. */
function entriesOf(path: string): Buffer[] {
  try {
    return readdirSync(Buffer.from(path, 'latin1'), { encoding: 'buffer' });
  } catch {
    return [];
  }
}
