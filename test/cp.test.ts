import { expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM } from './cli.ts';
import { containerScene } from './containers.ts';

/** `cloche cp`; each test removes its own containers. */
const { root, cloche, run } = containerScene();

test('cp takes files, directories and links out of a container, and puts them into one', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-cp-'));
  const here = (name: string) => join(scratch, name);
  const script =
    'mkdir -m 700 /d; echo 1 > /d/a; chmod 640 /d/a; ln -s a /d/l; ln -s /etc/hostname /out; mkdir /d/e; exec sleep 100';
  await run('box', 'sh', '-c', script);
  await Bun.sleep(300);
  expect(await cloche('cp', 'box:/d', here('new'))).toEqual({ code: 0, out: '', err: '' });
  expect(statSync(here('new')).mode & 0o7777).toBe(0o700);
  expect(statSync(here('new/a')).mode & 0o7777).toBe(0o640);
  expect([readlinkSync(here('new/l')), statSync(here('new/e')).isDirectory()]).toEqual(['a', true]);
  await cloche('cp', 'box:/d', here('new'));
  await cloche('cp', 'box:/d/.', scratch);
  expect(readFileSync(here('new/d/a'), 'utf8') + readFileSync(here('a'), 'utf8')).toBe('1\n1\n');
  await cloche('cp', 'box:/out', here('link'));
  expect(readlinkSync(here('link'))).toBe('/etc/hostname');
  await cloche('cp', 'box:/etc/os-release', here('a'));
  await cloche('cp', '-L', 'box:/etc/os-release', here('b'));
  expect(readFileSync(here('b'), 'utf8')).toContain('Debian');
  await cloche('stop', '-t', '0', 'box');
  expect((await cloche('cp', here('new'), 'box:/d')).code).toBe(0);
  expect((await cloche('cp', here('b'), 'box:/d/a')).code).toBe(0);
  const diff = (await cloche('diff', 'box')).out.split('\n');
  for (const line of ['A /d/a', 'A /d/new', 'A /d/new/d/a']) expect(diff).toContain(line);
  await cloche('cp', 'box:/d/a', here('back'));
  expect(readFileSync(here('back'), 'utf8')).toContain('Debian');
  for (const [args, says] of [
    [['box:/nope', scratch], 'could not find the file /nope in container box'],
    [['box:/d/a', here('no/where')], 'could not find the file'],
    [[here('new'), 'box:/d/a'], 'cannot copy directory'],
    [['box:/d', 'box:/e'], 'copying between containers is not supported'],
    [['a', 'b'], 'must specify at least one container source'],
    [['none:/a', scratch], 'no such container: none'],
  ] as const) {
    const { code, err } = await cloche('cp', ...args);
    expect(code).toBe(1);
    expect(err).toContain(says);
  }
  rmSync(scratch, { recursive: true });
  await cloche('rm', 'box');
}, 30_000);

test('cp follows no link of a container out of it', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-cp-'));
  await run('box', 'sh', '-c', `ln -s ${scratch} /trap; ln -s ../../../../../../etc/passwd /up`);
  await cloche('wait', 'box');
  await cloche('cp', '-L', 'box:/up', join(scratch, 'passwd'));
  expect(readFileSync(join(scratch, 'passwd'), 'utf8')).not.toBe(
    readFileSync('/etc/passwd', 'utf8'),
  );
  const { code, err } = await cloche('cp', '/etc/hostname', 'box:/trap/x');
  expect([code, err]).toEqual([1, expect.stringContaining('could not find the file')]);
  expect(readdirSync(scratch)).toEqual(['passwd']);
  rmSync(scratch, { recursive: true });
  await cloche('rm', 'box');
});

test('cp gives what the container sees where its own files are mounted over the image’s', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-cp-'));
  await run('box', 'sleep', '100');
  await cloche('cp', 'box:/etc/hostname', scratch);
  const seen = (await cloche('exec', 'box', 'cat', '/etc/hostname')).out;
  expect(seen).toMatch(/^[0-9a-f]{12}\n$/);
  expect(readFileSync(join(scratch, 'hostname'), 'utf8')).toBe(seen);
  await cloche('cp', 'box:/etc/.', scratch);
  expect(readFileSync(join(scratch, 'hosts'), 'utf8')).toContain('localhost ip6-localhost');
  await cloche('rm', '-f', 'box');
  rmSync(scratch, { recursive: true });
});

test('cp … - is a tar archive on standard output, and cp - … unpacks one', async () => {
  const script = 'mkdir -m 710 /d; cd /d; echo 1 > a; chown 7:8 a; ln a b; ln -s a l';
  await run('box', 'sh', '-c', script);
  await cloche('wait', 'box');
  const { out } = await piped(
    `$cloche cp box:/d - | tar tv --numeric-owner | sed -E 's/ [0-9-]{10} ..:.. / /'`,
  );
  expect(out.replaceAll(/ +/g, ' ').split('\n')).toEqual([
    'drwx--x--- 0/0 0 d/',
    '-rw-r--r-- 7/8 2 d/a',
    'hrw-r--r-- 7/8 0 d/b link to d/a',
    'lrwxrwxrwx 0/0 0 d/l -> a',
    '',
  ]);
  expect((await piped('$cloche cp box:/d/. - | tar t | sort')).out).toBe('a\nb\nl\n');
  const into = await piped('$cloche cp box:/d - | gzip | $cloche cp - box:/opt');
  expect(into).toEqual({ code: 0, out: '', err: '' });
  expect((await piped('$cloche cp box:/opt/d/a - | tar tv --numeric-owner')).out).toContain('7/8');
  const nowhere = await piped('tar c -C / etc/hostname | $cloche cp - box:/nope');
  expect([nowhere.code, nowhere.err]).toEqual([
    1,
    expect.stringContaining('destination "box:/nope" must be a directory'),
  ]);
  await cloche('rm', 'box');
});

/** A line of a shell in which `$cloche` is the command. */
async function piped(line: string) {
  const env = { ...process.env, CLOCHE_ROOT: root(), cloche: PROGRAM };
  const shell = Bun.spawn(['sh', '-c', line], { env, stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
  ]);
  return { code: await shell.exited, out, err };
}
