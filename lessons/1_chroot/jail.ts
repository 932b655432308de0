import { closure, isElf, type Missing, readElf } from '../../src/playground/elf/index.ts';
import { done, type Look, notYet, type Verdict } from '../../src/playground/lesson.ts';
import { described, type ProcessView, type RootView } from '../../src/playground/observe/index.ts';

/** What lesson 1 looks at: whether the programs in the jail can start, and who is in there. */

/** bash in the jail, whatever else is there. */
export function bashAlone(files: RootView): Verdict {
  const jail = files.at('/jail');
  const path = jail?.resolve('/bin/bash');
  if (jail === undefined || path === undefined) return notYet('/jail/bin/bash is not there');
  const content = jail.read(path);
  if (!isElf(content)) return notYet('/jail/bin/bash is there but is no program (no ELF file)');
  const { interpreter, needed } = readElf(content);
  const found = interpreter === undefined ? undefined : jail.resolve(interpreter);
  return done(
    `/jail/bin/bash is an ELF file of ${content.length} bytes`,
    `its PT_INTERP says ${interpreter}: ${found === undefined ? 'ENOENT, but bash exists: its loader is missing' : 'there'}`,
    `its DT_NEEDED says ${needed.join(', ')}`,
  );
}

/** Whether the programs, seen from the jail, have everything that they need to start. */
export function startable(files: RootView, programs: readonly string[]): Verdict {
  const jail = files.at('/jail');
  if (jail === undefined) return notYet('there is no directory /jail');
  const { found, missing } = closure(programs, jail);
  if (missing.length > 0) return notYet(...missing.map(named));
  return done(
    `in /jail: ${[...found.keys()].join(' ')}`,
    `nothing is missing: PT_INTERP and DT_NEEDED of ${found.size} files were followed`,
  );
}

const TOOLS = ['/bin/bash', '/bin/ls', '/bin/cat'];

/** The three programs can start, and no program or library is there that none of them needs. */
export function exact(files: RootView): Verdict {
  const complete = startable(files, TOOLS);
  const jail = files.at('/jail');
  if (!complete.ok || jail === undefined) return complete;
  const { found } = closure(TOOLS, jail);
  const needed = new Set([...found.keys()].map((path) => jail.id(path)));
  const elves = jail.files().filter((path) => isElf(jail.read(jail.resolve(path) ?? path)));
  const extra = elves.filter((path) => !needed.has(jail.id(path)));
  if (extra.length > 0)
    return notYet(...extra.map((path) => `/jail${path} is needed by none of ${TOOLS.join(', ')}`));
  const bytes = [...found.keys()].reduce((sum, path) => sum + (jail.stat(path)?.size ?? 0), 0);
  return done(...complete.evidence, `${bytes} bytes, and every one of these files is needed`);
}

function named(missing: Missing): string {
  switch (missing.what) {
    case 'program':
      return `/jail${missing.name} is not there`;
    case 'loader':
      return `/jail${missing.name} is not there: the loader of ${missing.by}`;
    case 'library':
      return `${missing.name} is nowhere that the loader looks in /jail: ${missing.by} needs it`;
  }
}

/** A process whose root is /jail and whose program is the file at `program` in it. */
export function jailed(
  { playground }: Pick<Look, 'playground'>,
  program: string,
): ProcessView | undefined {
  const exe = playground.files.at('/jail')?.id(program);
  if (exe === undefined) return undefined;
  return playground.inChroot('/jail').find((one) => one.exeId === exe);
}

export function nobodyInside(look: Pick<Look, 'playground'>): string {
  const inside = look.playground.inChroot('/jail');
  return inside.length === 0
    ? 'no process has /jail as its root'
    : `${inside.map(described).join(', ')} is in the jail, but runs no bash of the jail`;
}
