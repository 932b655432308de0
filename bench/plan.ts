import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findImage, openStore, stackOf } from '../src/image/index.ts';
import { launch } from '../src/linux/launch-plan.ts';
import { type Plan, plan } from '../src/linux/plan/index.ts';
import { installedWalker } from '../src/linux/walker/index.ts';
import { containerPlan } from '../src/runtime/index.ts';
import { birthOf, dockerSpec } from '../src/runtime/testing.ts';
import { freshBaseRoot } from '../test/base.ts';
import { cProgram } from './c-program.ts';
import { type Contestant, command, compete, fit, report, say } from './compete.ts';

/**
 * `npm run bench plan`: a container's plan performed by the walker, beside the same plan as a static
 * C program without a libc: six namespaces, an overlay on Debian, docker's mounts, pivot_root, and
 * /bin/true. Both are started by this process. The walker goes on in a sealed copy of itself, which
 * C does not; so there is a second row, in which the walker does not either.
 *
 *   -n RUNS    how many rounds (200)
 *   --json     for programs
 */
async function main(args: readonly string[]): Promise<void> {
  const rounds = Number(args[args.indexOf('-n') + 1]) || 200;
  const base = await freshBaseRoot();
  const scratch = mkdtempSync(join(base.root, 'bench-'));
  try {
    const rows = await compete(await fit(await contestantsOf(scratch, base.root)), rounds);
    process.stdout.write(
      args.includes('--json')
        ? `${JSON.stringify(rows, null, 2)}\n`
        : report(rows, rounds, ['C program, the same calls']),
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    base.remove();
  }
}

async function contestantsOf(scratch: string, root: string): Promise<Contestant[]> {
  const store = openStore(root);
  const lower = stackOf(store, findImage(store, 'debian:bookworm')?.chainId).map(
    ({ directory }) => directory,
  );
  const [upper, work, at] = ['upper', 'work', 'merged'].map((part) => join(scratch, part));
  if (upper === undefined || work === undefined || at === undefined) throw new Error('no place');
  for (const directory of [upper, work, at]) mkdirSync(directory);
  const birth = birthOf(
    'bench',
    { kind: 'overlay', lower, upper, work, at },
    dockerSpec({ args: ['/bin/true'] }),
    { bound: true },
  );
  const whole = containerPlan(birth).plan;
  const same = unsealed(whole);
  say(`${whole.steps.length} steps, walked by ${statSync(installedWalker().path).size} bytes`);
  const all: Contestant[] = [
    { name: 'walker, as `run` does it', run: () => walk(whole) },
    { name: 'walker, the same calls', run: () => walk(same) },
  ];
  if (Bun.which('gcc') === null) say('gcc is not installed: apt-get install gcc');
  else {
    const program = await compiled(scratch, same);
    all.push({ name: 'C program, the same calls', run: () => start(program) });
  }
  return all;
}

/** Without the steps that make the sealed copy and begin anew in it. */
function unsealed({ name, steps }: Plan): Plan {
  return plan(name, steps.slice(steps.findIndex(({ label }) => label === 'sealed')));
}

async function walk(plan: Plan): Promise<void> {
  const launched = launch(plan, { control: true, stdio: ['ignore', 'ignore', 'ignore'] });
  const code = await launched.exited;
  const failure = launched.memory.failure();
  launched.close();
  if (failure !== undefined || code !== 0)
    throw new Error(`step ${failure?.step} failed with errno ${failure?.errno}, exit code ${code}`);
}

async function compiled(scratch: string, plan: Plan): Promise<string> {
  const source = join(scratch, 'plan.c');
  const program = join(scratch, 'plan');
  writeFileSync(source, cProgram(plan));
  const small = ['-O2', '-w', '-static', '-nostdlib', '-ffreestanding', '-fno-stack-protector'];
  await command('gcc', ...small, '-o', program, source);
  say(`the C program: ${statSync(program).size} bytes`);
  return program;
}

/** As `launch` starts a walker, with the control socket at 4. */
async function start(program: string): Promise<void> {
  const child = Bun.spawn([program], {
    stdio: ['ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
    env: {},
  });
  const code = await child.exited;
  if (code !== 0) throw new Error(`exit code ${code}`);
}

await main(process.argv.slice(2));
process.exit();
