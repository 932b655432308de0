import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { getImage, type Manifest, openStore, stackOf } from '../src/image/index.ts';
import { blobPath, readJson } from '../src/image/store.ts';
import { freshBaseRoot } from '../test/base.ts';
import { type Contestant, command, compete, fit, report, say } from './compete.ts';

/**
 * `npm run bench unpack`: a base image out of an archive or a layout onto the disk, beside umoci and
 * tar. What was unpacked is removed at the very end: some file systems are slow to give away again
 * what was removed just before.
 *
 *   -n RUNS    how many rounds (5); each takes some 400 MB
 *   --json     for programs
 */
async function main(args: readonly string[]): Promise<void> {
  const rounds = Number(args[args.indexOf('-n') + 1]) || 5;
  const base = await freshBaseRoot();
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-bench-'));
  try {
    const rows = await compete(await fit(await contestantsOf(scratch, base.root)), rounds);
    const shown = report(rows, rounds, ['umoci unpack', 'tar -xz']);
    process.stdout.write(args.includes('--json') ? `${JSON.stringify(rows, null, 2)}\n` : shown);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    base.remove();
  }
}

async function contestantsOf(scratch: string, root: string): Promise<Contestant[]> {
  const image = 'debian:bookworm';
  const archive = join(scratch, 'base.tar');
  const layout = join(scratch, 'layout');
  const cloche = resolve(import.meta.dir, '../bin/cloche');
  await command(cloche, 'save', '--format', 'oci', '-o', archive, image);
  mkdirSync(layout);
  await command('tar', '-xf', archive, '-C', layout);
  tagAs(layout, 'base');
  const layer = layerOf(root, image);
  let count = 0;
  const fresh = () => join(scratch, String(count++));
  const all: Contestant[] = [
    {
      name: 'cloche load',
      run: () => command('env', `CLOCHE_ROOT=${fresh()}`, cloche, 'load', '-q', '-i', archive),
    },
    {
      name: 'tar -xz',
      run: () => {
        const target = fresh();
        mkdirSync(target);
        return command('tar', '-xpzf', layer, '-C', target);
      },
    },
  ];
  if (Bun.which('umoci') === null) say('umoci is not installed: apt-get install umoci');
  else {
    const unpack = () => command('umoci', 'unpack', '--image', `${layout}:base`, fresh());
    all.push({ name: 'umoci unpack', run: unpack });
  }
  return all;
}

/** umoci takes no tag with a colon in it. */
function tagAs(layout: string, tag: string): void {
  const path = join(layout, 'index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  index.manifests[0].annotations = { 'org.opencontainers.image.ref.name': tag };
  writeFileSync(path, JSON.stringify(index));
}

function layerOf(root: string, name: string): string {
  const store = openStore(root);
  const image = getImage(store, name);
  const { layers } = readJson<Manifest>(store, image.manifest);
  if (layers.length !== stackOf(store, image.chainId).length) throw new Error('layers are missing');
  const [layer] = layers;
  if (layer === undefined) throw new Error(`'${name}' has no layer`);
  return blobPath(store, layer.digest);
}

await main(process.argv.slice(2));
process.exit();
