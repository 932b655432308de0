import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detectCgroups } from '../../linux/cgroup/detect.ts';
import { openEngine } from '../engine.ts';
import { settleAll } from './settle.ts';

test('who only looks makes no cgroup, be there one of ours or none', async () => {
  const root = mkdtempSync(join(tmpdir(), 'cloche-settle-'));
  const known = process.env.CLOCHE_ROOT;
  process.env.CLOCHE_ROOT = root;
  try {
    const { store, machine, walkerSize } = openEngine();
    const here = detectCgroups();
    const elsewhere = { ...here, all: here.all.map((tree) => ({ ...tree, mountPoint: root })) };
    for (const mounted of [here, elsewhere])
      await settleAll({
        ...{ store, machine, walkerSize, mounted },
        get hierarchies(): never {
          throw new Error('our parent cgroup was made');
        },
      });
    expect(here.all.length).toBeGreaterThan(0);
  } finally {
    if (known === undefined) delete process.env.CLOCHE_ROOT;
    else process.env.CLOCHE_ROOT = known;
    rmSync(root, { recursive: true });
  }
});
