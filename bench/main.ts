import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { defaultSpec } from '../src/cli/oci/spec.ts';
import {
  createContainer,
  DEFAULT_OPTIONS,
  type Engine,
  openEngine,
  startContainer,
} from '../src/engine/index.ts';
import { findImage, openStore, stackOf } from '../src/image/index.ts';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { freshBaseRoot } from '../test/base.ts';
import { answers, type Contestant, command, compete, fit, report, say } from './compete.ts';

/**
 * `npm run bench`: how long a container takes from start to exit, beside the engines that are
 * installed. All contestants take turns within one run, so that a noisy machine is noisy for all, and
 * what is quoted is the ratio.
 *
 *   -n RUNS    how many rounds (20)
 *   --v2       where cgroups are hybrid: all of them see cgroup v2 alone, without which crun does not run
 *   --json     for programs
 */
async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--v2')) return await withV2(args);
  const rounds = Number(args[args.indexOf('-n') + 1]) || 20;
  const base = await freshBaseRoot();
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-bench-'));
  try {
    const contestants = await contestantsOf(scratch, base.root);
    const rows = await compete(await fit(contestants), rounds);
    process.stdout.write(
      args.includes('--json')
        ? `${JSON.stringify(rows, null, 2)}\n`
        : report(rows, rounds, ['crun run', 'runc run']),
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    base.remove();
  }
}

/** The same once more, in a mount namespace that shows the v2 tree where all of them look for cgroups. */
async function withV2(args: readonly string[]): Promise<void> {
  const { unified, mode } = detectCgroups();
  if (mode !== 'hybrid' || unified === undefined)
    throw new Error(`cgroups are ${mode} here: --v2 is for hybrid ones`);
  const script =
    'mount --make-rprivate / && mount --bind "$1" /sys/fs/cgroup && shift && exec "$@"';
  const again = [process.execPath, import.meta.path, ...args.filter((arg) => arg !== '--v2')];
  const argv = ['unshare', '-m', 'sh', '-c', script, '-', unified.mountPoint, ...again];
  process.exitCode = await Bun.spawn(argv, { stdio: ['ignore', 'inherit', 'inherit'] }).exited;
}

/** crun refuses hybrid machines unless it leaves cgroups alone, which also saves it their time. */
const GLOBAL: Record<string, readonly string[]> = { crun: ['--cgroup-manager=disabled'] };

const cloche = resolve(import.meta.dir, '../bin/cloche');

/** Ourselves in two ways, and whoever else is installed; who is not is said. */
async function contestantsOf(scratch: string, root: string): Promise<Contestant[]> {
  const store = openStore(root);
  const rootfs = stackOf(store, findImage(store, 'debian:bookworm')?.chainId)[0]?.directory ?? '';
  const bundle = bundleOf(scratch, rootfs);
  process.env.CLOCHE_ROOT = root;
  const engine = openEngine();
  const image = 'debian:bookworm';
  const all: Contestant[] = [
    {
      name: 'cloche run --rm',
      run: () => command(cloche, 'run', '--rm', '--network', 'none', image, 'true'),
    },
    { name: 'cloche, within one process', run: () => throughTheApi(engine, image) },
    {
      name: 'cloche oci run',
      run: () => command(cloche, 'oci', 'run', '--bundle', bundle, `b${Date.now()}`),
    },
  ];
  for (const name of ['crun', 'runc'])
    if (Bun.which(name) === null) say(`${name} is not installed: apt-get install ${name}`);
    else
      all.push({
        name: `${name} run`,
        run: () =>
          command(name, ...(GLOBAL[name] ?? []), 'run', '--bundle', bundle, `b${Date.now()}`),
      });
  if (Bun.which('docker') !== null && (await answers('docker', 'info')))
    all.push({
      name: 'docker run --rm',
      run: () => command('docker', 'run', '--rm', '--network', 'none', image, 'true'),
    });
  else say('no docker daemon answers');
  return all;
}

/** The same bundle for every runtime: a read-only Debian and the usual mounts, `true` in it. */
function bundleOf(scratch: string, rootfs: string): string {
  const path = join(scratch, 'bundle');
  mkdirSync(path);
  const spec = defaultSpec();
  const process = { ...spec.process, terminal: false, args: ['true'] };
  const root = { path: rootfs, readonly: true };
  writeFileSync(
    join(path, 'config.json'),
    JSON.stringify({ ...spec, ociVersion: '1.0.2', process, root }),
  );
  return path;
}

async function throughTheApi(engine: Engine, image: string): Promise<void> {
  const options = {
    ...DEFAULT_OPTIONS,
    image,
    command: ['true'],
    remove: true,
    network: 'none' as const,
  };
  const container = await createContainer(engine, options);
  const started = await startContainer(engine, container);
  started.pid.catch(() => undefined);
  if ((await started.exited) !== 0) throw new Error('the container did not end well');
}

await main(process.argv.slice(2));
process.exit(process.exitCode);
