import { expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import type { ChainId } from '../digest.ts';
import { discard, prepare } from '../snapshots.ts';
import { temporaryStore } from '../testing.ts';
import { extract } from './files.ts';
import { type TarEntry, TarReader } from './reader.ts';
import {
  directory,
  entry,
  inPieces,
  link,
  pax,
  random,
  record,
  symlink,
  tar,
  unpackTar,
  withField,
} from './testing.ts';

/** Milliseconds that each of the two goes on. */
const TIME = 4000;

/** Archives that have a bit of everything, with links to a place that nobody may touch. */
function seeds(outside: string): Buffer[][] {
  const sparse = record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0');
  const map = '2\n0\n5\n4096\n5\n'.padEnd(512, '\0');
  return [
    [
      directory('etc', { mode: 0o2755 }),
      entry({ path: 'etc/motd', uid: 3_000_000_000, mtime: 1n }, 'hello'.repeat(300)),
      link('etc/twin', 'etc/motd'),
      symlink('lib', 'usr/lib'),
      entry({ path: 'lib/x', xattrs: new Map([['user.a', Buffer.from('b')]]) }),
      entry({ path: 'null', type: 'character-device', device: { major: 1, minor: 3 } }),
      entry({ path: 'fifo', type: 'fifo' }),
    ],
    [
      entry({ path: '.wh.below' }),
      directory('dir'),
      entry({ path: 'dir/.wh..wh..opq' }),
      link('dir/up', 'file'),
      entry({ path: `${'l'.repeat(150)}/${'m'.repeat(150)}` }, 'long'),
    ],
    [
      symlink('out', outside),
      entry({ path: 'out/secret' }, 'overwritten'),
      symlink('up', '../..'),
      link('up/hard', 'out/secret'),
      directory('out'),
      entry({ path: 'out/secret', mode: 0o777 }, 'again'),
    ],
    [
      pax(record('comment', 'for all'), 'g'),
      pax(sparse + record('GNU.sparse.name', 's') + record('GNU.sparse.realsize', '4101')),
      entry({ path: 'GNUSparseFile.0/s' }, `${map}helloworld`),
      pax(record('GNU.sparse.size', '4101') + record('GNU.sparse.map', '0,5,4096,5')),
      entry({ path: 't' }, 'helloworld'),
      withField(entry({ path: 'x' }, 'name-of-the-next'), 156, 'L'),
      entry({ path: 'y' }),
    ],
  ];
}

/** Headers' fields, where a change leads further than elsewhere. */
const FIELDS = [0, 3, 100, 108, 116, 124, 135, 136, 148, 156, 157, 257, 265, 329, 345, 386, 482];

function mutate(parts: readonly Buffer[], pick: (below: number) => number): Buffer {
  const mixed = parts.map((part) => Buffer.from(part));
  for (let times = 1 + pick(4); times > 0; times--) {
    const at = pick(mixed.length);
    const part = mixed[at] ?? Buffer.alloc(0);
    const kind = pick(7);
    if (kind === 0) mixed.splice(at, 1, part, part);
    else if (kind === 1 && mixed.length > 1) mixed.splice(at, 1);
    else if (kind === 2) mixed.splice(pick(mixed.length), 0, part);
    else if (kind === 3) mixed.splice(at, 1, part.subarray(0, pick(part.length + 1)));
    else if (kind === 4) part[pick(part.length || 1)] = pick(256);
    else if (part.length >= 512) {
      // Summed anew: else the checksum would end it here.
      const header = 512 * pick(Math.floor(part.length / 512));
      const field = FIELDS[pick(FIELDS.length)] ?? 0;
      const value = ['/', '.', '\0', '7', '-', '\x80', '\xff', 'Z', '5', '1', '2', 'S', 'x'][
        pick(13)
      ];
      withField(part.subarray(header), field, value ?? '').copy(part, header);
    }
  }
  return pick(8) === 0 ? Buffer.concat(mixed) : tar(...mixed);
}

test('whatever bytes come, the reader tells a consistent story or refuses', () => {
  const pick = random(20_261_124);
  const archives = seeds('/nowhere');
  const end = Date.now() + TIME;
  let rounds = 0;
  for (; Date.now() < end; rounds++) {
    const archive = mutate(archives[rounds % archives.length] ?? [], pick);
    const whole = story(archive, archive.length);
    expect(story(archive, 1 + pick(700))).toEqual(whole);
  }
  expect(rounds).toBeGreaterThan(500);
}, 30_000);

/** What a reader tells of an archive that comes in pieces: entries and the sums of their bytes. */
function story(archive: Buffer, size: number): string[] {
  const told: string[] = [];
  let open: { entry: TarEntry; left: number } | undefined;
  const reader = new TarReader({
    entry: (next) => {
      expect(open).toBeUndefined();
      const stored = next.sparse?.reduce((sum, { length }) => sum + length, 0) ?? next.size;
      open = { entry: next, left: stored };
    },
    data: (piece) => {
      if (open !== undefined) open.left -= piece.length;
    },
    end: () => {
      expect(open?.left).toBe(0);
      told.push(`${open?.entry.type} ${open?.entry.path} ${open?.entry.size}`);
      open = undefined;
    },
  });
  try {
    for (let at = 0; at < archive.length; at += size) reader.push(archive.subarray(at, at + size));
    reader.finish();
  } catch (error) {
    expect(error).toBeInstanceOf(ClocheError);
    told.push((error as ClocheError).message);
  }
  return told;
}

test('whatever bytes come, files appear in their directory or nowhere', async () => {
  const { store, remove } = temporaryStore();
  const outside = mkdtempSync(join(tmpdir(), 'cloche-outside-'));
  writeFileSync(join(outside, 'secret'), 'untouched');
  const before = statSync(join(outside, 'secret'));
  const base = tar(entry({ path: 'below' }), entry({ path: 'file' }, 'x'), directory('dir'));
  const { chainId } = await unpackTar(store, base);
  const pick = random(7);
  const archives = seeds(outside);
  const outcomes = { unpacked: 0, refused: 0 };
  for (const end = Date.now() + TIME; Date.now() < end; ) {
    const archive = mutate(archives[pick(archives.length)] ?? [], pick);
    outcomes[await attempt(store, chainId, archive)]++;
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('untouched');
    expect(statSync(join(outside, 'secret'))).toMatchObject({ mode: before.mode, nlink: 1 });
  }
  expect(readdirSync(join(store.root, 'snapshots'))).toHaveLength(1);
  expect(outcomes.unpacked).toBeGreaterThan(20);
  expect(outcomes.refused).toBeGreaterThan(20);
  remove();
  rmSync(outside, { recursive: true });
}, 30_000);

async function attempt(
  store: Parameters<typeof prepare>[0],
  parent: ChainId,
  archive: Buffer,
): Promise<'unpacked' | 'refused'> {
  const active = prepare(store, parent);
  try {
    const files = await extract(store, active, inPieces(archive, 1000), {
      came: { size: archive.length },
    });
    await files.dress();
    return 'unpacked';
  } catch (error) {
    expect(error).toBeInstanceOf(ClocheError);
    return 'refused';
  } finally {
    discard(store, active);
  }
}
