import { expect, test } from 'bun:test';
import { closeSync, mkdtempSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaunchOptions } from '../src/linux/launch.ts';
import { launch } from '../src/linux/launch-plan.ts';
import { perform } from '../src/linux/perform.ts';
import {
  block,
  buffer,
  call,
  flags,
  plan,
  pointer,
  result,
  text,
  value,
} from '../src/linux/plan/index.ts';
import { walkerFile } from '../src/linux/walker/index.ts';
import { needTools } from './tools.ts';

test.each(['x86_64', 'aarch64'] as const)('the walker for %s takes less than 2 KB', (arch) => {
  const file = walkerFile(arch);
  expect(file.length).toBeLessThan(2048);
  expect([...file.subarray(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
});

/** A plan that uses every part of the walker: loads, saves of both widths, jumps, tolerated errnos. */
function everything() {
  const words = block('words', [Uint8Array.of(1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff)]);
  const at = {
    wide: result('wide'),
    narrow: result('narrow'),
    errno: result('errno'),
    pid: result('pid'),
  };
  const half = buffer('half', 8);
  const status = buffer('status', 8);
  const steps = [
    call('value', [value(words)], 'load 64 bits', { save: at.wide, tolerate: 'any' }),
    call('value', [value(words, 4, 'i32')], 'load 32 bits with sign', {
      save: at.narrow,
      tolerate: 'any',
    }),
    call('value', [0x1122334455667788n], 'save 32 bits', { save: value(half, 0, 'i32') }),
    call('openat', [flags('AT_FDCWD'), text('/nowhere'), flags('O_RDONLY'), 0], 'no such file', {
      save: at.errno,
      tolerate: ['EACCES', 'ENOENT'],
    }),
    call('clone', [flags('SIGCHLD'), 0, 0, 0, 0], 'a child', {
      save: at.pid,
      jump: { on: 'zero', to: 'child' },
    }),
    call('wait4', [at.pid, pointer(status), 0, 0], 'its end', {
      jump: { on: 'positive', to: 'end' },
    }),
    call('exit_group', [42], 'the child', { label: 'child' }),
    call('close', [99], 'fails in the end', { label: 'end', onFail: 'failed' }),
    call('exit_group', [1], 'not reached'),
    call('exit_group', [7], 'where failures go', { label: 'failed' }),
  ];
  return { plan: plan('everything', steps), at, half, status };
}

async function proveEverything(through?: LaunchOptions['through']): Promise<void> {
  const { plan, at, half, status } = everything();
  const launched = launch(plan, { through });
  const code = await launched.exited;
  const memory = launched.keep();
  launched.close();
  expect(code).toBe(7);
  expect(memory.value(at.wide)).toBe(BigInt.asIntN(64, 0xffff_fffe_0000_0001n));
  expect(memory.value(at.narrow)).toBe(-2n);
  expect(memory.value(value(half))).toBe(0x55667788n);
  expect(memory.value(at.errno)).toBe(-2n);
  expect(Number(memory.value(at.pid))).toBeGreaterThan(0);
  expect(memory.read(status)[1]).toBe(42);
  expect(memory.failure()).toEqual({ step: 7, errno: 9 });
}

test('the walker of this machine performs every kind of step', () => proveEverything());

test('the walker for arm64 performs every kind of step, run by qemu', async () => {
  needTools('qemu-aarch64-static');
  const directory = mkdtempSync(join(tmpdir(), 'cloche-walker-'));
  const walker = join(directory, 'walker');
  writeFileSync(walker, walkerFile('aarch64'), { mode: 0o755 });
  await proveEverything({ command: ['qemu-aarch64-static'], arch: 'aarch64', walker });
  rmSync(directory, { recursive: true });
}, 120_000);

test('a stepped plan waits before each step for a byte', async () => {
  const [one, two] = [result('one'), result('two')];
  const stepped = plan('stepped', [
    call('value', [1], 'first', { save: one }),
    call('value', [2], 'nobody may stop here', { save: two, pause: false }),
    call('value', [3], 'last', { save: one }),
  ]);
  const launched = launch(stepped, { pause: true });
  const seen: [number, number, number][] = [];
  for await (const chunk of Bun.file(launched.pauses).stream()) {
    const index = Number(new DataView(chunk.buffer, chunk.byteOffset).getBigUint64(0, true));
    seen.push([index, Number(launched.memory.value(one)), Number(launched.memory.value(two))]);
    writeSync(launched.pauses, 'g');
    if (index === 2) break;
  }
  expect(await launched.exited).toBe(0);
  expect(seen).toEqual([
    [0, 0, 0],
    [2, 1, 2],
  ]);
  launched.close();
});

test('when whoever steps goes away, the step is cancelled and what is to be done on failure is done', async () => {
  const cleaned = result('cleaned');
  const stepped = plan('abandoned', [
    call('value', [1], 'never performed', { onFail: 'clean' }),
    call('exit_group', [0], 'not reached'),
    call('value', [5], 'clean up', { label: 'clean', save: cleaned }),
    call('exit_group', [9], 'and say so'),
  ]);
  const launched = launch(stepped, { pause: true });
  await Bun.sleep(50);
  closeSync(launched.pauses);
  expect(await launched.exited).toBe(9);
  expect(launched.memory.value(cleaned)).toBe(5n);
  expect(launched.memory.failure()).toEqual({ step: 0, errno: 125 });
});

test('a plan that is no plan ends the walker', async () => {
  const error = await perform(plan('nothing', [call('exit_group', [3], 'leave')])).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ code: 'WALKER_DIED', details: { exitCode: 3 } });
});
