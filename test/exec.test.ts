import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerScene } from './containers.ts';

/** What docker's `exec` can say beside the usual. */
const { cloche, run } = containerScene();

test('exec -d returns at once, says nothing, and what it began goes on', async () => {
  await run('box', 'sleep', '100');
  const script = 'echo lost; sleep 0.3; echo "$A" > /made; exec sleep 99';
  const began = performance.now();
  const ran = await cloche('exec', '-d', '-e', 'A=later', 'box', 'sh', '-c', script);
  expect(ran).toEqual({ code: 0, out: '', err: '' });
  expect(performance.now() - began).toBeLessThan(300);
  await Bun.sleep(500);
  expect((await cloche('exec', 'box', 'cat', '/made')).out).toBe('later\n');
  expect((await cloche('top', 'box')).out).toContain('sleep 99');
  await cloche('rm', '-f', 'box');
});

test('exec -dt has a terminal that nobody looks at', async () => {
  await run('box', 'sleep', '100');
  const ran = await cloche('exec', '-d', '-t', 'box', 'sh', '-c', 'seq 90000; tty > /where');
  expect(ran).toEqual({ code: 0, out: '', err: '' });
  await Bun.sleep(500);
  expect((await cloche('exec', 'box', 'cat', '/where')).out).toBe('/dev/pts/0\n');
  await cloche('rm', '-f', 'box');
});

test('exec -d of a program that is not there says so', async () => {
  await run('box', 'sleep', '100');
  const { code, err } = await cloche('exec', '-d', 'box', 'nope');
  expect([code, err]).toEqual([127, expect.stringContaining('executable file not found in $PATH')]);
  await cloche('rm', '-f', 'box');
});

test('exec --env-file: what the line says comes after what files say', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloche-exec-'));
  const file = join(directory, 'env');
  writeFileSync(file, '# not this\nA=1\nB="two words"\n');
  await run('box', 'sleep', '100');
  const script = 'echo $A $B';
  const { out } = await cloche(
    ...['exec', '--env-file', file, '-e', 'A=2', 'box', 'sh', '-c', script],
  );
  expect(out).toBe('2 "two words"\n');
  const { code, err } = await cloche('exec', '--env-file', '/nowhere', 'box', 'true');
  expect([code, err]).toEqual([1, expect.stringContaining('open /nowhere: no such file')]);
  await cloche('rm', '-f', 'box');
  rmSync(directory, { recursive: true });
});
