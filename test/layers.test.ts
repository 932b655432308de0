import { expect, test } from 'bun:test';
import { dirname, join } from 'node:path';
import { Glob } from 'bun';

/** What each folder of `src/` may import from, beside itself and `error.ts`. The map is the house. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  linux: [],
  runtime: ['linux'],
  image: ['linux'],
  build: ['linux', 'runtime', 'image'],
  engine: ['linux', 'runtime', 'image', 'build'],
  playground: ['linux', 'runtime', 'image', 'build', 'engine'],
  cli: ['linux', 'runtime', 'image', 'build', 'engine', 'playground', 'lessons'],
};

test('every import points to the left', async () => {
  const wrong: string[] = [];
  for await (const file of new Glob('**/*.ts').scan('src')) {
    const [room = '', ...rest] = file.split('/');
    if (rest.length === 0) continue;
    const source = await Bun.file(`src/${file}`).text();
    for (const [, target = ''] of source.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)) {
      const path = new URL(target, `file:///${file}`).pathname.slice(1);
      const other = path.includes('/') ? (path.split('/')[0] ?? '') : '';
      if (other === '' || other === room) continue;
      if (!(MAY_IMPORT[room] ?? []).includes(other)) wrong.push(`src/${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('every folder of src is on the map', async () => {
  const rooms = new Set<string>();
  for await (const file of new Glob('*/**/*.ts').scan('src')) rooms.add(file.split('/')[0] ?? '');
  expect([...rooms].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
});

test('what `run` imports to start is small: no builder, registry, parser or stream', async () => {
  const transpiler = new Bun.Transpiler({ loader: 'ts' });
  const reached = new Set(['src/cli/main.ts', 'src/cli/run.ts']);
  const packages = new Set<string>();
  for (const file of reached)
    for (const { path, kind } of transpiler.scanImports(await Bun.file(file).text())) {
      if (kind !== 'import-statement') continue;
      if (path.startsWith('.')) reached.add(join(dirname(file), path));
      else packages.add(path);
    }
  const heavy =
    /^src\/(build|playground|engine\/build|image\/(archive|layer|registry)|engine\/doctor)\//;
  expect([...reached].filter((file) => heavy.test(file))).toEqual(['src/image/layer/scan.ts']);
  expect([...packages].toSorted()).toEqual([
    'bun:sqlite',
    'commander',
    'node:fs',
    'node:os',
    'node:path',
  ]);
});

test('one file alone knows the streams of output, which take long to load', async () => {
  const naming: string[] = [];
  for await (const file of new Glob('**/*.ts').scan('src')) {
    const text = await Bun.file(`src/${file}`).text();
    if (file.endsWith('.test.ts')) continue;
    if (/process\.std(out|err)|\bstd(out|err)\b[^=]*\} = process/.test(text)) naming.push(file);
  }
  expect(naming).toEqual(['cli/print.ts']);
});
