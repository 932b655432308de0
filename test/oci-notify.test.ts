import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST_ARCH } from '../src/linux/abi/arch.ts';
import { syscallNumber } from '../src/linux/abi/numbers.ts';
import type { Spec } from '../src/runtime/spec.ts';
import { agent } from './agent.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';

/** seccomp's NOTIFY: an agent outside of the container answers for its calls. */
let bundles: Bundles;
beforeAll(async () => {
  bundles = await openBundles();
}, BASE_TIMEOUT);
afterAll(() => bundles.remove());

const MKDIR = ['mkdir', 'mkdirat'];
const EDQUOT = 122;
const mkdirs = MKDIR.map((name) => syscallNumber(name as 'mkdir', HOST_ARCH));

function asking(path: string | undefined, noNewPrivileges: boolean, change: object = {}) {
  return (spec: Spec) => ({
    ...spec,
    process: { ...spec.process, noNewPrivileges },
    linux: {
      ...spec.linux,
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: path,
        listenerMetadata: 'tea',
        flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
        syscalls: [{ names: MKDIR, action: 'SCMP_ACT_NOTIFY' }],
        ...change,
      },
    },
  });
}

const SCRIPT = 'mkdir /dev/one 2>&1; mkdir /dev/two && ls -d /dev/two';
const ANSWERED = "mkdir: cannot create directory '/dev/one': Disk quota exceeded\n/dev/two\n";

for (const restrained of [true, false])
  test(`the agent refuses one call and lets another go on, noNewPrivileges ${restrained}`, async () => {
    const [id, path] = [`asks-${restrained}`, join(bundles.scratch, `agent-${restrained}`)];
    const bundle = await bundles.bundle(id, SCRIPT, asking(path, restrained));
    const there = await agent(path, [EDQUOT, 'go on']);
    expect(await bundles.oci('run', '-b', bundle, id)).toMatchObject({ code: 0, out: ANSWERED });
    const { told, questions } = await there.heard();
    expect(told).toMatchObject({ fds: ['seccompFd'], metadata: 'tea' });
    expect(told.state).toMatchObject({ id, status: 'creating', pid: told.pid });
    for (const { number, pid } of questions) {
      expect(mkdirs).toContain(number);
      expect(pid).toBeGreaterThan(told.pid);
    }
  });

for (const restrained of [true, false])
  test(`a created container, and what enters it, noNewPrivileges ${restrained}`, async () => {
    const [id, path] = [`created-${restrained}`, join(bundles.scratch, `made-${restrained}`)];
    const bundle = await bundles.bundle(id, 'sleep 1000', asking(path, restrained));
    const first = await agent(path, []);
    const pidFile = join(bundles.scratch, `${id}.pid`);
    const created = await bundles.oci('create', '-b', bundle, '--pid-file', pidFile, id);
    expect(created).toMatchObject({ code: 0, err: '' });
    const { told } = await first.heard();
    expect(told.pid).toBe(Number(readFileSync(pidFile, 'utf8')));
    expect(await bundles.oci('start', id)).toMatchObject({ code: 0 });

    const second = await agent(path, [EDQUOT, 'go on']);
    const entered = await bundles.oci('exec', id, 'sh', '-c', SCRIPT);
    expect(entered).toMatchObject({ code: 0, out: ANSWERED });
    const heard = await second.heard();
    expect(heard.told.state).toMatchObject({ id, status: 'running', pid: told.pid });
    expect(heard.told.pid).not.toBe(told.pid);
    expect(await bundles.oci('delete', '--force', id)).toMatchObject({ code: 0 });
  });

test('when the agent has gone, its calls are not there any more', async () => {
  const path = join(bundles.scratch, 'gone');
  const bundle = await bundles.bundle('gone-by', 'mkdir /dev/one 2>&1', asking(path, true));
  const there = await agent(path, []);
  const ran = await bundles.oci('run', '-b', bundle, 'gone-by');
  expect(ran.out).toContain('Function not implemented');
  await there.heard();
});

test('without an agent nothing begins, and nothing is left', async () => {
  const path = join(bundles.scratch, 'nobody');
  const bundle = await bundles.bundle('lonely', 'true', asking(path, true));
  const ran = await bundles.oci('run', '-b', bundle, 'lonely');
  expect(ran.code).toBe(1);
  expect(ran.err).toContain(`'${path}': ENOENT`);
  expect(ran.err).toContain('hint: linux.seccomp.listenerPath names the unix socket');
  expect((await bundles.oci('list', '-q')).out).not.toContain('lonely');
});

test('a policy that could not be asked about is refused', async () => {
  const path = join(bundles.scratch, 'refused');
  const refusals: [object, string][] = [
    [{ listenerPath: '' }, 'listenerPath is not set'],
    [{ defaultAction: 'SCMP_ACT_NOTIFY' }, 'SCMP_ACT_NOTIFY cannot be used as default action'],
    [{ syscalls: [{ names: ['write'], action: 'SCMP_ACT_NOTIFY' }] }, 'for the write syscall'],
    [{ listenerPath: `/${'x'.repeat(200)}` }, 'seccomp.listenerPath is too long'],
  ];
  for (const [i, [change, words]] of refusals.entries()) {
    const bundle = await bundles.bundle(`refused-${i}`, 'true', asking(path, true, change));
    const ran = await bundles.oci('run', '-b', bundle, `refused-${i}`);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining(words) });
  }
});
