import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { VERSION } from '../src/cli/release.ts';
import { cloche as clocheIn } from './cli.ts';
import { containerScene, IMAGE } from './containers.ts';

/** What is said of the whole. */
const { root, cloche, run } = containerScene();

const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();

test('version is package.json’s, for people, programs and templates, and needs no state', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(version).toBe(VERSION);
  const nowhere = (...words: string[]) => clocheIn('/proc/nowhere', ['version', ...words]);
  const text = (await nowhere()).out;
  for (const part of [version, Bun.version, kernel]) expect(text).toContain(part);
  expect((await nowhere('-f', '{{.Client.Version}} {{.Server.Os}}')).out).toBe(
    `${version} linux\n`,
  );
  const shape = JSON.parse((await nowhere('--json')).out);
  expect(shape.Server).toMatchObject({ Version: version, KernelVersion: kernel });
  expect(JSON.parse((await nowhere('--format=json')).out)).toEqual(shape);
});

test('info counts containers by what they do, and says what the machine is', async () => {
  await run('runs', 'sleep', '100');
  await run('waits', 'sleep', '100');
  await cloche('pause', 'waits');
  await cloche('create', '--name=new', IMAGE, 'true');
  const shape = JSON.parse((await cloche('info', '--format', 'json')).out);
  expect(shape).toMatchObject({
    ...{ Containers: 3, ContainersRunning: 1, ContainersPaused: 1, ContainersStopped: 1 },
    ...{ Images: 1, NCPU: cpus().length, KernelVersion: kernel, DockerRootDir: root() },
  });
  const { out } = await cloche('system', 'info');
  expect(out).toContain('\n Containers: 3\n  Running: 1\n  Paused: 1\n  Stopped: 1\n Images: 1\n');
  expect((await cloche('info', '-f', '{{.CgroupDriver}}')).out).toBe('cgroupfs\n');
  await cloche('rm', '-f', 'runs', 'waits', 'new');
});
