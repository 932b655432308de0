import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { PROGRAM } from './cli.ts';

/** Builds on a small disk, a tmpfs in a mount namespace of its own, which goes away with it. */
let scratch = '';
let root = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  scratch = mkdtempSync(join(tmpdir(), 'cloche-full-'));
}, BASE_TIMEOUT);

afterAll(() => {
  remove();
  rmSync(scratch, { recursive: true });
});

/**
 * Runs a script with `build` for `cloche build -q context`, and `left`, which names what the command
 * has left in `tmp` and of active snapshots, before any other command could clear it away.
 */
function onSmallDisk(megabytes: number | string, script: string, files: Record<string, string>) {
  const directory = join(scratch, crypto.randomUUID());
  for (const name of ['disk', 'context']) mkdirSync(join(directory, name), { recursive: true });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, 'context', name), content);
  const whole = `
    mount -t tmpfs -o size=${megabytes}m none disk; export CLOCHE_ROOT=$PWD/disk/root
    mkdir -p disk/root
    build() { "${PROGRAM}" build -q --network=none context; echo "code $?"; }
    left() {
      echo tmp $(ls disk/root/tmp) active $(ls disk/root/snapshots | grep active)
    }
    ${script}`;
  const { stdout, stderr } = Bun.spawnSync(['unshare', '-m', 'bash', '-c', whole], {
    cwd: directory,
  });
  return { out: stdout.toString(), err: stderr.toString() };
}

const DONE = 'sha256:[0-9a-f]{64}\ncode 0\ntmp active\n';

test('a COPY that fills the disk says so, nothing of it is left, and the next one finds the room', () => {
  const { out, err } = onSmallDisk(
    8,
    'head -c 20000000 /dev/urandom > context/file; build; left; echo small > context/file; build; left',
    { Dockerfile: 'FROM scratch\nCOPY file /' },
  );
  expect(err).toContain('no space left on the disk');
  expect(out).toMatch(new RegExp(`^code 1\ntmp active\n${DONE}$`));
});

test('a layer that fills the disk when it is written says so, and nothing of it is left', () => {
  const { out, err } = onSmallDisk(
    30,
    'head -c 20000000 /dev/urandom > context/file; build; left; echo small > context/file; build; left',
    { Dockerfile: 'FROM scratch\nCOPY file /' },
  );
  expect(err).toContain('no space left on the disk');
  expect(out).toMatch(new RegExp(`^code 1\ntmp active\n${DONE}$`));
});

test('a RUN that fills the disk says so beside its own words, and nothing of it is left', () => {
  const fill = 'head -c 200000000 /dev/urandom > /large && echo not seen';
  const { out, err } = onSmallDisk(
    `$(($(du -sm ${root} | cut -f1) + 40))`,
    `cp -a ${root}/. disk/root; build; left; sed -i s/200/2/ context/Dockerfile; build; left`,
    { Dockerfile: `FROM debian:bookworm\nRUN ${fill}` },
  );
  expect(err).toContain('head: error writing');
  expect(err).toContain('There is no space left on the disk of');
  expect(err).toContain('df -h');
  expect(out).toMatch(new RegExp(`^code 1\ntmp active\n${DONE}$`));
});
