import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche as clocheIn } from './cli.ts';

/** `cloche layers` on an image that wastes on purpose. */
let root = '';
let scratch = '';
let remove = () => {};
const cloche = (...args: string[]) => clocheIn(root, args);

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  scratch = mkdtempSync(join(tmpdir(), 'cloche-layers-'));
  const lines = [
    'FROM debian:bookworm',
    'COPY file /file',
    'ENV A=1',
    'RUN echo more >> /file && rm -r /usr/share/doc/bash && mkdir /opt/new && echo 123 > /opt/new/f',
  ];
  writeFileSync(join(scratch, 'Dockerfile'), lines.join('\n'));
  writeFileSync(join(scratch, 'file'), 'x'.repeat(5000));
  const { code, err } = await cloche('build', '-q', '-t', 'app', scratch);
  if (code !== 0) throw new Error(err);
}, BASE_TIMEOUT);
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  remove();
});

test('each instruction has its counts, its size and what later ones waste of it', async () => {
  const shown = JSON.parse((await cloche('layers', 'app', '--json')).out);
  const [image] = JSON.parse((await cloche('images', 'app', '--json')).out);
  const [base, copy, env, run] = shown.instructions;
  expect(shown.size).toBe(image.size);
  expect(copy).toMatchObject({ added: 1, changed: 0, deleted: 0, size: 5000, wasted: 5000 });
  expect(env).toMatchObject({ size: 0, changes: [] });
  expect(run).toMatchObject({ added: 1, changed: 1, size: 5009, wasted: 0 });
  expect(run.changes).toContainEqual({
    path: 'file',
    kind: 'changed',
    isDirectory: false,
    size: 5005,
  });
  expect(run.deleted).toBeGreaterThan(1);
  expect(base.wasted).toBeGreaterThan(1000);
  expect(shown.wasted).toBe(base.wasted + 5000);
  expect(shown.efficiency).toBeCloseTo(1 - shown.wasted / shown.size, 10);
  expect(shown.wastedFiles).toContainEqual({ path: 'file', size: 5000, from: 1 });
});

test('the table has a line an instruction, the total and the worst files', async () => {
  const { out, code } = await cloche('layers', 'app');
  expect(code).toBe(0);
  expect(out).toMatch(/^LAYER +CREATED BY +ADDED +CHANGED +DELETED +SIZE +WASTED\n1 /);
  expect(out).toMatch(/\n2 +COPY file \/file +1 +0 +0 +5kB +5kB\n- +ENV A=1\n3 +RUN /);
  expect(out).toMatch(/\n\d+MB in 3 layers, \S+ of it wasted: efficiency 99\.\d %\n/);
  expect(out).toMatch(/\n5kB +\/file +COPY file \/file\n/);
});

test('the tree has the largest first, as deep as it was asked for', async () => {
  const { out } = await cloche('layers', '--tree', '--depth', '3', 'app');
  const last = out.slice(out.indexOf('\n3  RUN'));
  expect(last.indexOf('├──   usr/')).toBeLessThan(last.indexOf('├── ~ file  5kB\n'));
  expect(last).toContain('    └── + new/  4B  1 file\n');
  const flat = (await cloche('layers', '--tree', '--depth', '1', 'app')).out;
  expect(flat.slice(flat.indexOf('\n3  RUN'))).not.toContain('new/');
});

test('two images are compared by what the second no longer carries, by package', async () => {
  const compared = JSON.parse((await cloche('layers', 'debian:bookworm', 'app', '--json')).out);
  const paths = compared.gone.flatMap(({ files }: { files: { path: string }[] }) => files);
  expect(compared.gone.map(({ name }: { name: string }) => name)).toContain('package bash');
  expect(paths.every(({ path }: { path: string }) => path.startsWith('usr/share/doc/bash/'))).toBe(
    true,
  );
  expect(compared.added.map(({ name }: { name: string }) => name)).toEqual(['/', 'opt/new/']);
  const { out } = await cloche('layers', 'debian:bookworm', 'app');
  expect(out).toMatch(/^debian:bookworm has \d+MB of files, app \d+MB\n/);
  expect(out).toMatch(/\napp no longer carries \d+ files of 1 package and 0 places, /);
  expect(out).toContain('package bash\n');
  expect(out).toMatch(/\napp has besides 2 files of 2 places, 5\.01kB\n/);
});

test('an unknown image is 1, and --browse without a terminal says so', async () => {
  expect((await cloche('layers', 'nope')).err).toContain('no such image: nope:latest');
  const { code, err } = await cloche('layers', '-i', 'app');
  expect(code).toBe(1);
  expect(err).toContain('not a TTY');
});

test('the browser goes into a layer and back, and leaves the terminal as it was', async () => {
  let seen = '';
  const program = resolve(import.meta.dir, '../bin/cloche');
  const script = `${program} layers -i app; stty -a | grep -o ' [-]*icanon'; echo left`;
  const child = Bun.spawn(['sh', '-c', script], {
    env: { ...process.env, CLOCHE_ROOT: root, NO_COLOR: '1' },
    terminal: {
      cols: 100,
      rows: 20,
      data: (_, bytes) => {
        seen += new TextDecoder().decode(bytes);
      },
    },
  });
  const until = async (text: string) => {
    for (let i = 0; i < 500 && !seen.includes(text); i++) await Bun.sleep(10);
    expect(seen).toContain(text);
    seen = '';
  };
  await until('q quit');
  child.terminal?.write('\x1b[B\x1b[B\r');
  await until('app › layer 3');
  child.terminal?.write('\r\x1b[D\x1b[D');
  await until('> 3');
  child.terminal?.write('q');
  await until('left');
  expect(await child.exited).toBe(0);
});
