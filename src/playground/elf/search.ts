import { posix } from 'node:path';
import type { RootFiles } from './closure.ts';
import type { Elf } from './read.ts';

/** A program or library with those that pulled it in, the nearest first. */
export interface Linked {
  readonly path: string;
  readonly elf: Elf;
  readonly parents: readonly Linked[];
}

/**
 * The folders in which the dynamic loader looks for what `object` needs, in its order: DT_RPATH of
 * the object and of those that loaded it (unless it has a DT_RUNPATH), DT_RUNPATH, the folders of
 * ld.so.conf, the loader's own. The environment (LD_LIBRARY_PATH) is the process's, not the file's.
 *
 * ld.so.conf counts only where an ld.so.cache lies beside it: the loader reads the cache, and
 * `ldconfig` the file. Source: ld.so(8), ldconfig(8).
 */
export function searchPath(object: Linked, files: RootFiles): string[] {
  const { elf } = object;
  const inherited =
    elf.runpath.length > 0
      ? []
      : [object, ...object.parents]
          .filter((one) => one.elf.runpath.length === 0)
          .flatMap((one) => expand(one.elf.rpath, one));
  return [
    ...inherited,
    ...expand(elf.runpath, object),
    ...(files.resolve('/etc/ld.so.cache') === undefined ? [] : configured(files)),
    ...builtIn(elf),
  ];
}

/** The folders of `/etc/ld.so.conf` and of the files that it includes. */
export function configured(files: RootFiles, path = '/etc/ld.so.conf', depth = 0): string[] {
  const real = files.resolve(path);
  if (real === undefined || depth > 4) return [];
  const lines = new TextDecoder().decode(files.read(real)).split('\n');
  return lines.flatMap((line) => {
    const words = (line.split('#')[0] ?? '')
      .trim()
      .split(/[\s,:]+/)
      .filter(Boolean);
    if (words[0] !== 'include') return words;
    return words
      .slice(1)
      .flatMap((pattern) =>
        matching(pattern, files).flatMap((included) => configured(files, included, depth + 1)),
      );
  });
}

/** A pattern is a plain path, or has `*` in its last part only, as every distribution writes it. */
function matching(pattern: string, files: RootFiles): string[] {
  if (!pattern.includes('*')) return [pattern];
  const folder = posix.dirname(pattern);
  const name = new RegExp(`^${posix.basename(pattern).split('*').map(RegExp.escape).join('.*')}$`);
  return files
    .list(folder)
    .filter((entry) => name.test(entry))
    .sort()
    .map((entry) => posix.join(folder, entry));
}

/** Debian's names for where an architecture's libraries lie; glibc has them compiled in. */
const MULTIARCH: Readonly<Record<string, string>> = {
  '62/64': 'x86_64-linux-gnu',
  '62/32': 'x86_64-linux-gnux32',
  '3/32': 'i386-linux-gnu',
  '183/64': 'aarch64-linux-gnu',
  '40/32': 'arm-linux-gnueabihf',
  '243/64': 'riscv64-linux-gnu',
  '21/64': 'powerpc64le-linux-gnu',
  '22/64': 's390x-linux-gnu',
  '258/64': 'loongarch64-linux-gnu',
};

function builtIn(elf: Elf): string[] {
  const triple = MULTIARCH[`${elf.machine}/${elf.bits}`];
  const multiarch = triple === undefined ? [] : [`/lib/${triple}`, `/usr/lib/${triple}`];
  const wide = elf.bits === 64 ? ['/lib64', '/usr/lib64'] : [];
  return [...multiarch, '/lib', '/usr/lib', ...wide];
}

/** `$ORIGIN` is the object's own folder, `$LIB` the architecture's folder under / and /usr. */
function expand(folders: readonly string[], object: Linked): string[] {
  const triple = MULTIARCH[`${object.elf.machine}/${object.elf.bits}`];
  const origin = posix.dirname(object.path);
  return folders.map((folder) =>
    folder
      .replace(/\$(ORIGIN\b|\{ORIGIN\})/g, origin)
      .replace(/\$(LIB\b|\{LIB\})/g, triple === undefined ? 'lib' : `lib/${triple}`),
  );
}
