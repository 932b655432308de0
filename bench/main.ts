import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  createContainer,
  DEFAULT_OPTIONS,
  type Engine,
  openEngine,
  startContainer,
} from '../src/engine/index.ts';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { freshBaseRoot } from '../test/base.ts';
import { bundleOf } from './bundle.ts';
import { answers, type Contestant, command, compete, fit, report, say } from './compete.ts';
import { least } from './least.ts';

/**
 * `npm run bench`: how long a container takes from start to exit, beside the engines that are installed: the same
 * container for all of them. They take turns within one run, so that a noisy machine is noisy for all, and what is
 * quoted is the ratio.
 *
 *   -n RUNS    how many rounds (20)
 *   --v2       where cgroups are hybrid: all of them see cgroup v2 alone, without which crun does not run
 *   --json     for programs
 */
async function main(args: readonly string[]): Promise<void> {
  if (process.env[INSIDE] === undefined) return await withOwnMounts(args);
  const rounds = Number(args[args.indexOf('-n') + 1]) || 20;
  const base = await freshBaseRoot();
  const scratch = mkdtempSync(join(base.root, 'bench-'));
  try {
    const rows = await compete(await fit(await contestantsOf(scratch, base.root)), rounds);
    process.stdout.write(
      args.includes('--json')
        ? `${JSON.stringify(rows, null, 2)}\n`
        : report(rows, rounds, ['crun run', 'runc run']),
    );
  } finally {
    await command('umount', '-l', join(scratch, 'bundle/rootfs')).catch(() => undefined);
    rmSync(scratch, { recursive: true, force: true });
    base.remove();
  }
}

const INSIDE = 'CLOCHE_BENCH_INSIDE';

/** The same once more, in a mount namespace of its own; with `--v2` the v2 tree is where all look for cgroups. */
async function withOwnMounts(args: readonly string[]): Promise<void> {
  const steps = ['mount --make-rprivate /'];
  if (args.includes('--v2')) steps.push(`mount --bind '${ownUnified()}' /sys/fs/cgroup`);
  const argv = ['unshare', '-m', 'sh', '-c', [...steps, 'exec "$@"'].join(' && '), '-'];
  process.exitCode = await Bun.spawn([...argv, process.execPath, import.meta.path, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [INSIDE]: '1' },
  }).exited;
}

function ownUnified(): string {
  const { unified, mode } = detectCgroups();
  if (mode !== 'hybrid' || unified === undefined)
    throw new Error(`cgroups are ${mode} here: --v2 is for hybrid ones`);
  return unified.mountPoint;
}

const cloche = resolve(import.meta.dir, '../bin/cloche');
const image = 'debian:bookworm';
const alone = ['--rm', '--network', 'none', image, 'true'];

/** Ourselves in several ways, and whoever else is installed; who is not is said. */
async function contestantsOf(scratch: string, root: string): Promise<Contestant[]> {
  process.env.CLOCHE_ROOT = root;
  const engine = openEngine();
  const bundle = await bundleOf(engine, OPTIONS, scratch);
  const withBundle = (...words: string[]) =>
    command(...words, 'run', '--bundle', bundle, `bench-${Bun.randomUUIDv7()}`);
  await command(cloche, 'run', ...alone);
  const all: Contestant[] = [
    { name: 'cloche run --rm', run: () => command(cloche, 'run', '--rm', image, 'true') },
    { name: 'cloche run --network none', run: () => command(cloche, 'run', ...alone) },
    await least(root, scratch),
    { name: 'cloche, within one process', run: () => throughTheApi(engine) },
    { name: 'cloche oci run', run: () => withBundle(cloche, 'oci') },
  ];
  for (const name of ['crun', 'runc'])
    if (Bun.which(name) === null) say(`${name} is not installed: apt-get install ${name}`);
    else all.push({ name: `${name} run`, run: () => withBundle(name) });
  if (Bun.which('docker') !== null && (await answers('docker', 'info')))
    all.push(
      { name: 'docker run --rm', run: () => command('docker', 'run', '--rm', image, 'true') },
      { name: 'docker run --network none', run: () => command('docker', 'run', ...alone) },
    );
  else say('no docker daemon answers');
  return all;
}

const OPTIONS = {
  ...DEFAULT_OPTIONS,
  image,
  command: ['true'],
  remove: true,
  network: 'none' as const,
};

async function throughTheApi(engine: Engine): Promise<void> {
  const container = await createContainer(engine, OPTIONS);
  const started = await startContainer(engine, container);
  started.pid.catch(() => undefined);
  if ((await started.exited) !== 0) throw new Error('the container did not end well');
}

await main(process.argv.slice(2));
process.exit(process.exitCode);
