import { posix } from 'node:path';
import { isElf, readElf } from './read.ts';
import { type Linked, searchPath } from './search.ts';

/** The files of one root, as its processes would see them; a link never leads out of the root. */
export interface RootFiles {
  /** The path behind all links, inside the root; undefined: no such file. */
  resolve(path: string): string | undefined;
  /** A whole file. Called only with what `resolve` gave. */
  read(path: string): Uint8Array;
  /** The names in a folder; none where there is no such folder. */
  list(path: string): string[];
}

/** What a set of programs needs to start in a root, and what of it is not there. */
export interface Closure {
  /** Every file that is needed and there: the path without links → who needs it. */
  readonly found: ReadonlyMap<string, string>;
  readonly missing: readonly Missing[];
}

export interface Missing {
  readonly what: 'program' | 'loader' | 'library';
  /** The path, or for a library its name. */
  readonly name: string;
  /** The file that needs it; for a program itself. */
  readonly by: string;
}

/**
 * Which files `programs` need in a root: the programs, their loaders (PT_INTERP) and the closure of
 * DT_NEEDED, searched as the dynamic loader would: any architecture, no `ldd`, nothing is executed.
 *
 * A file that is there but is no ELF file (a script) needs nothing as far as this function knows.
 * @throws {ClocheError} `BAD_ELF`. Source: ld.so(8).
 */
export function closure(programs: readonly string[], files: RootFiles): Closure {
  const found = new Map<string, string>();
  const missing: Missing[] = [];
  for (const program of programs) {
    const path = files.resolve(program);
    if (path === undefined) missing.push({ what: 'program', name: program, by: program });
    else visitProgram(path, program, files, found, missing);
  }
  return { found, missing };
}

function visitProgram(
  path: string,
  by: string,
  files: RootFiles,
  found: Map<string, string>,
  missing: Missing[],
): void {
  found.set(path, found.get(path) ?? by);
  const content = files.read(path);
  if (!isElf(content)) return;
  const elf = readElf(content);
  const sonames = new Set<string>();
  if (elf.interpreter !== undefined) {
    const loader = files.resolve(elf.interpreter);
    if (loader === undefined) missing.push({ what: 'loader', name: elf.interpreter, by: path });
    else found.set(loader, found.get(loader) ?? path);
    // The loader is itself a library that others name in DT_NEEDED; it is loaded already.
    sonames.add(posix.basename(elf.interpreter));
  }
  const queue: Linked[] = [{ path, elf, parents: [] }];
  for (let object = queue.shift(); object !== undefined; object = queue.shift()) {
    for (const name of object.elf.needed) {
      if (sonames.has(name)) continue;
      sonames.add(name);
      const library = findLibrary(name, object, files);
      if (library === undefined) {
        addOnce(missing, { what: 'library', name, by: object.path });
        continue;
      }
      found.set(library.path, found.get(library.path) ?? object.path);
      if (library.elf.soname !== undefined) sonames.add(library.elf.soname);
      queue.push(Object.assign({ parents: [object, ...object.parents] }, library));
    }
  }
}

function findLibrary(
  name: string,
  by: Linked,
  files: RootFiles,
): Pick<Linked, 'path' | 'elf'> | undefined {
  const candidates = name.includes('/')
    ? [name]
    : searchPath(by, files).map((folder) => posix.join(folder, name));
  for (const candidate of candidates) {
    const path = files.resolve(candidate);
    if (path === undefined) continue;
    const content = files.read(path);
    if (!isElf(content)) continue;
    const elf = readElf(content);
    // The loader steps over libraries of another architecture instead of failing on them.
    if (elf.machine === by.elf.machine && elf.bits === by.elf.bits) return { path, elf };
  }
  return undefined;
}

function addOnce(missing: Missing[], one: Missing): void {
  const same = (other: Missing) => other.what === one.what && other.name === one.name;
  if (!missing.some(same)) missing.push(one);
}
