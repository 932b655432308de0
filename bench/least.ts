import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { forLargePages } from '../bin/large-pages.ts';
import { type Contestant, command } from './compete.ts';

/**
 * A program that does only what no `run` can do without, compiled as the command is: how fast one could be that
 * is written in JavaScript and begins anew each time. See `least-program.ts`.
 *
 * @param root a state in which such a container was run just now: the newest mould is its
 */
export async function least(root: string, scratch: string): Promise<Contestant> {
  const program = join(scratch, 'least');
  const built = await Bun.build({
    entrypoints: [resolve(import.meta.dir, 'least-program.ts')],
    target: 'bun',
    format: 'esm',
    minify: { whitespace: true, syntax: true },
    bytecode: true,
    compile: { outfile: program, autoloadDotenv: false, autoloadBunfig: false },
  });
  if (!built.success) throw new AggregateError(built.logs, 'it cannot be compiled');
  writeFileSync(program, forLargePages(readFileSync(program)));
  const moulds = readdirSync(join(root, 'cache/plans')).map((name) =>
    join(root, 'cache/plans', name),
  );
  const [mould = ''] = moulds.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
  const walker = readdirSync(root).find((name) => name.startsWith('walker-')) ?? '';
  const words = ['env', ...switches(), program, root, mould, join(root, walker)];
  return { name: 'the least that Bun can do', run: () => command(...words) };
}

/** What `bin/cloche` tells JavaScriptCore. */
function switches(): string[] {
  const script = readFileSync(resolve(import.meta.dir, '../bin/cloche'), 'utf8');
  return /^export (BUN_JSC.*)$/m.exec(script)?.[1]?.split(' ') ?? [];
}
