import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform } from '../../linux/perform.ts';
import { block, call, flags, label, mode, plan, pointer, text } from '../../linux/plan/index.ts';
import { beginSteps } from './init.ts';
import { cloneSteps, initFailed, pair } from './shim.ts';

/** A child that comes to its first steps when its shim has been gone for a while, or not. */
async function born(shimWaits: boolean): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'cloche-orphan-'));
  const made = join(directory, 'made');
  const two = pair();
  const sleep = (milliseconds: number) =>
    call('nanosleep', [pointer(block('time', [0, milliseconds * 1_000_000])), 0], 'wait');
  await perform(
    plan('orphan', [
      ...cloneSteps(two, { flags: [] }, 'child').parent,
      ...(shimWaits ? [sleep(300)] : []),
      call('exit_group', [0], 'the shim is gone'),
      label('child', 'born late'),
      sleep(100),
      ...beginSteps(two),
      call('mkdirat', [flags('AT_FDCWD'), text(made), mode(0o755)], 'it lives'),
      ...initFailed(),
    ]),
  );
  await Bun.sleep(300);
  const lived = existsSync(made);
  rmSync(directory, { recursive: true });
  return lived;
}

test('a child whose shim died before it could ask for its own death ends by itself', async () => {
  expect(await born(true)).toBe(true);
  expect(await born(false)).toBe(false);
});
