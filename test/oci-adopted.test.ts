import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { perform } from '../src/linux/perform.ts';
import {
  block,
  buffer,
  call,
  flags,
  int32,
  label,
  plan,
  pointer,
  result,
  text,
  texts,
} from '../src/linux/plan/index.ts';
import { readStat } from '../src/linux/proc/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';
import { PROGRAM } from './cli.ts';

/** What conmon and containerd's shim do: they inherit what a runtime started, and wait for it. */
setDefaultTimeout(60_000);
let bundles: Bundles;
let root = '';
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
  root = join(bundles.scratch, 'state');
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

/**
 * Runs commands of `cloche oci` below a subreaper, one after another, and waits for the next process
 * that it inherits. @returns the commands' wait statuses; and of the heir, its pid and wait status
 */
async function inherited(...commands: readonly (readonly string[])[]) {
  const env = [`PATH=${process.env.PATH}`, `CLOCHE_ROOT=${process.env.CLOCHE_ROOT}`];
  const statuses = [...commands, []].map((_, i) => buffer(`status ${i}`, 8));
  const heir = result('heir');
  const performed = await perform(
    plan('subreaper', [
      call('prctl', [flags('PR_SET_CHILD_SUBREAPER'), 1, 0, 0, 0], 'orphans below us are ours'),
      ...commands.flatMap((args, i) => {
        const pidfd = block('pidfd', [int32(-1)], { size: 8 });
        const [pid, command] = [result('command'), { name: 'command' }];
        const over = { name: 'over' };
        return [
          call('clone', [flags('CLONE_PIDFD', 'SIGCHLD'), 0, pointer(pidfd), 0, 0], 'a command', {
            save: pid,
            jump: { on: 'zero' as const, to: command },
          }),
          call('wait4', [pid, pointer(statuses[i] ?? pidfd), flags('__WALL'), 0], 'its end'),
          call('value', [1], 'next', { jump: { on: 'always' as const, to: over } }),
          label(command, 'the command'),
          call(
            'execve',
            [text(PROGRAM), texts([PROGRAM, 'oci', '--root', root, ...args]), texts(env)],
            'begin',
          ),
          label(over, 'it is over'),
        ];
      }),
      call('wait4', [-1, pointer(statuses.at(-1) ?? heir.block), flags('__WALL'), 0], 'the heir', {
        save: heir,
      }),
      call('exit_group', [0], 'done'),
    ]),
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const codes = statuses.map((status) => Buffer.from(performed.read(status)).readInt32LE(0));
  return { codes, heir: Number(performed.value(heir)) };
}

const pidIn = (file: string) => Number(readFileSync(file, 'utf8'));

test('who calls create and start inherits init, and learns how it ended', async () => {
  const pidFile = join(bundles.scratch, 'init.pid');
  const path = await bundles.bundle('heir', 'exit 5');
  const create = ['create', '--bundle', path, '--pid-file', pidFile, 'heir'];
  const { codes, heir } = await inherited(create, ['start', 'heir']);
  expect(codes).toEqual([0, 0, 5 << 8]);
  expect(heir).toBe(pidIn(pidFile));
  expect((await oci('delete', 'heir')).code).toBe(0);
});

test('so it is with run --detach and with exec --detach', async () => {
  const pidFile = join(bundles.scratch, 'next.pid');
  const path = await bundles.bundle('next', 'exit 6');
  const run = await inherited(['run', '-d', '--bundle', path, '--pid-file', pidFile, 'next']);
  expect(run).toEqual({ codes: [0, 6 << 8], heir: pidIn(pidFile) });
  expect((await oci('delete', 'next')).code).toBe(0);
  const waits = await bundles.bundle('waits', 'sleep 600');
  expect((await oci('run', '--detach', '--bundle', waits, 'waits')).code).toBe(0);
  const words = ['exec', '-d', '--pid-file', pidFile, 'waits', 'sh', '-c', 'exit 7'];
  expect(await inherited(words)).toEqual({ codes: [0, 7 << 8], heir: pidIn(pidFile) });
  expect((await oci('delete', '--force', 'waits')).code).toBe(0);
});

test('no shim stays beside a container that is created or started', async () => {
  const path = await bundles.bundle('alone', 'sleep 600');
  expect((await oci('create', '--bundle', path, 'alone')).code).toBe(0);
  const shims = () =>
    readdirSync('/proc').filter((pid) => {
      const stat = /^\d+$/.test(pid) ? readStat(Number(pid)) : undefined;
      return (
        stat !== undefined &&
        stat.state !== 'Z' &&
        stat.comm.startsWith('cloche-shim') &&
        commandOf(pid).endsWith(' alone\0')
      );
    });
  // Init itself is a copy of it until it executes its program.
  expect(shims()).toEqual(
    [(JSON.parse((await oci('state', 'alone')).out) as { pid: number }).pid].map(String),
  );
  expect((await oci('start', 'alone')).code).toBe(0);
  while (shims().length > 0) await Bun.sleep(10);
  expect((await oci('delete', '--force', 'alone')).code).toBe(0);
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test('a create that is killed at any moment leaves a whole container or nothing', async () => {
  const path = await bundles.bundle('any-moment', 'sleep 600');
  const groups = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/oci-any-moment`);
  for (let milliseconds = 15; milliseconds < 90; milliseconds += 5) {
    const words = ['create', '--bundle', path, 'any-moment'];
    const child = Bun.spawn([PROGRAM, 'oci', '--root', root, ...words], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await Bun.sleep(milliseconds);
    child.kill('SIGKILL');
    await child.exited;
    const { code, out } = await oci('state', 'any-moment');
    if (code === 0) expect(out).toMatch(/"status": "(created|stopped)"/);
    if (code === 0)
      expect(await oci('delete', '--force', 'any-moment')).toMatchObject({ code: 0, err: '' });
    expect(groups.filter((group) => existsSync(group))).toEqual([]);
    expect(readdirSync(root).filter((name) => name.includes('any-moment'))).toEqual([]);
  }
});
