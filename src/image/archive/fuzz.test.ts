import { expect, test } from 'bun:test';
import { ClocheError } from '../../error.ts';
import { digestOf } from '../digest.ts';
import { contents, entry, inPieces, random, tar } from '../layer/testing.ts';
import { MEDIA } from '../manifest.ts';
import { temporaryStore } from '../testing.ts';
import { loadImages } from './index.ts';

/** Milliseconds that it goes on. */
const TIME = 4000;

/** What a field of a document may say that it should not. */
const VALUES = [
  ...[null, true, 0, -1, 1e99, '', 'x', '../../etc/passwd', 'sha256:', 'a\u0000b', 'ÄÖ', 'A:b:c@d'],
  ...[[], {}, [[]], { length: 3 }, 'blobs/sha256/x', `sha256:${'0'.repeat(64)}`, '__proto__'],
];

/** The document with one of its values, keys or bytes changed. */
function changed(document: unknown, pick: (below: number) => number): string {
  const copy = structuredClone(document) as Record<string, unknown>;
  const places: [Record<string, unknown>, string][] = [];
  const collect = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      places.push([value as Record<string, unknown>, key]);
      collect(inner);
    }
  };
  collect(copy);
  for (let times = pick(3); times > 0; times--) {
    const [holder, key] = places[pick(places.length)] ?? [copy, 'x'];
    if (pick(4) === 0) delete holder[key];
    else holder[key] = VALUES[pick(VALUES.length)];
  }
  const text = JSON.stringify(copy);
  const at = pick(text.length);
  return pick(6) === 0 ? `${text.slice(0, at)}${VALUES[pick(12)]}${text.slice(at + 1)}` : text;
}

/** An image's documents, each of which points at the next by its digest as it is after all changes. */
function archive(pick: (below: number) => number): Buffer {
  const layer = tar(entry({ path: 'f' }, 'x'));
  const blobs: Buffer[] = [];
  const blob = (content: string | Buffer) => {
    const digest = digestOf(content);
    const name = `blobs/sha256/${digest.slice(7)}`;
    blobs.push(entry({ path: name }, Buffer.from(content).toString('latin1')));
    return { digest, size: Buffer.from(content).length, name };
  };
  const spoil = (document: unknown) =>
    pick(3) === 0 ? changed(document, pick) : JSON.stringify(document);
  const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
  const config = blob(spoil({ os: 'linux', architecture: 'amd64', config: {}, rootfs }));
  const { digest, size } = blob(layer);
  const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size }];
  const pointer = { mediaType: MEDIA.config, digest: config.digest, size: config.size };
  const document = { schemaVersion: 2, mediaType: MEDIA.manifest, config: pointer, layers };
  const manifest = blob(spoil(document));
  const annotations = { 'io.containerd.image.name': 'docker.io/library/a:1' };
  const described = { mediaType: MEDIA.manifest, digest: manifest.digest, size: manifest.size };
  const index = { schemaVersion: 2, manifests: [{ ...described, annotations }] };
  const name = `blobs/sha256/${digest.slice(7)}`;
  const list = [{ Config: config.name, RepoTags: ['a:1'], Layers: [name] }];
  const hasIndex = pick(3) !== 0;
  return tar(
    ...blobs,
    ...(hasIndex ? [entry({ path: 'index.json' }, utf8(spoil(index)))] : []),
    ...(!hasIndex || pick(2) === 0 ? [entry({ path: 'manifest.json' }, utf8(spoil(list)))] : []),
  );
}

/** The tests' entries take a char a byte. */
function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

test('whatever the documents of an archive say, it is loaded whole or refused with a reason', async () => {
  const pick = random(11);
  const outcomes = { loaded: 0, refused: 0 };
  for (const end = Date.now() + TIME; Date.now() < end; ) {
    const { store, remove } = temporaryStore();
    try {
      await loadImages(store, inPieces(archive(pick), 4096));
      outcomes.loaded++;
    } catch (error) {
      expect(error).toBeInstanceOf(ClocheError);
      const { class: kind, message } = error as ClocheError;
      expect(`${kind}: ${message}`).not.toContain('internal: ');
      outcomes.refused++;
    }
    expect(contents(store).filter((name) => name.startsWith('tmp/'))).toEqual([]);
    remove();
  }
  expect(outcomes.loaded).toBeGreaterThan(10);
  expect(outcomes.refused).toBeGreaterThan(10);
}, 30_000);
