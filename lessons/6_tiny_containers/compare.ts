import { megabytes } from '../node_app.ts';

/** Files by absolute path, with their sizes in bytes. */
type Files = ReadonlyMap<string, number>;

/** What `fat` has and `small` has not. */
export function missingIn(small: Files, fat: Files): Map<string, number> {
  return new Map([...fat].filter(([path]) => !small.has(path)));
}

/** `/usr/lib 512 MB`: the folders of two levels that hold most, the largest first. */
export function perFolder(files: Files): string[] {
  const sums = new Map<string, number>();
  for (const [path, size] of files) {
    const folder = path.split('/').slice(0, 3).join('/');
    sums.set(folder, (sums.get(folder) ?? 0) + size);
  }
  return [...sums]
    .sort(([, one], [, other]) => other - one)
    .map(([folder, bytes]) => `${folder} ${megabytes(bytes)}`);
}
