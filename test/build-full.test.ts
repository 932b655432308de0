import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const CLOCHE = resolve(import.meta.dir, '../bin/cloche');

test('a build that fills the disk says so, and the next one finds the room again', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloche-full-'));
  // In a mount namespace of its own: the disk goes away with it.
  const script = `
    mkdir disk context && mount -t tmpfs -o size=8m none disk
    export CLOCHE_ROOT=$PWD/disk/root && mkdir disk/root
    printf 'FROM scratch\\nCOPY file /' > context/Dockerfile
    head -c 20000000 /dev/urandom > context/file
    "${CLOCHE}" build -q context; echo "code $?"
    echo small > context/file
    "${CLOCHE}" build -q context; echo "code $?"
    ls disk/root/tmp; ls disk/root/snapshots | grep -c active`;
  const { stdout, stderr } = Bun.spawnSync(['unshare', '-m', 'sh', '-c', script], {
    cwd: directory,
  });
  rmSync(directory, { recursive: true });
  expect(stderr.toString()).toContain('no space left on the disk');
  expect(stdout.toString()).toMatch(/^code 1\nsha256:[0-9a-f]{64}\ncode 0\n0\n$/);
});
