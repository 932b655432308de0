import { expect, test } from 'bun:test';
import { ClocheError } from '../../error.ts';
import { MEDIA } from '../manifest.ts';
import { readConfig, readDocument } from './documents.ts';
import { retryAfter } from './persist.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const manifest = {
  schemaVersion: 2,
  mediaType: MEDIA.manifest,
  config: { mediaType: MEDIA.config, digest, size: 2 },
  layers: [{ mediaType: MEDIA.layer, digest, size: 3, annotations: { any: 'thing' } }],
};
const index = {
  schemaVersion: 2,
  mediaType: MEDIA.index,
  manifests: [
    {
      mediaType: MEDIA.manifest,
      digest,
      size: 9,
      platform: { os: 'linux', architecture: 'arm64' },
    },
  ],
};
const config = {
  ...{ os: 'linux', architecture: 'amd64', created: null },
  rootfs: { type: 'layers', diff_ids: [digest] },
};

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

test('a manifest without a media type is what the registry says that it is', () => {
  const { mediaType: _, ...silent } = manifest;
  expect(readDocument(bytes(silent), MEDIA.manifest, 'x').kind).toBe('manifest');
  expect(() => readDocument(bytes(silent), undefined, 'x')).toThrow(
    expect.objectContaining({ code: 'MEDIA_TYPE_UNSUPPORTED' }),
  );
});

test('what the document says counts more than what the registry says', () => {
  expect(readDocument(bytes(index), MEDIA.manifest, 'x').kind).toBe('index');
});

test('a fault is named by where it is', () => {
  const wrong = { ...manifest, layers: [{ ...manifest.layers[0], digest: 'md5:1' }] };
  expect(() => readDocument(bytes(wrong), undefined, 'x:1')).toThrow(
    "the manifest of 'x:1' is invalid: layers.0.digest: is not a sha256 digest",
  );
});

test('whatever is sent, it is read or refused in words, twenty thousand times', () => {
  const texts = [manifest, index, config].map((value) => JSON.stringify(value));
  let state = 1;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state % below;
  };
  const pieces = [
    '{',
    ']',
    '"',
    'null',
    '-1',
    '1e999',
    '[]',
    '{}',
    '\u0000',
    '\\ud800',
    '__proto__',
    ',',
  ];
  for (let i = 0; i < 20_000; i++) {
    const text = texts[i % texts.length] ?? '';
    const at = random(text.length);
    const piece = pieces[random(pieces.length)] ?? '';
    const damaged = Buffer.from(text.slice(0, at) + piece + text.slice(at + random(12)));
    for (const read of [readConfig, (b: Uint8Array) => readDocument(b, MEDIA.manifest, 'x')])
      try {
        read(damaged, 'x');
      } catch (error) {
        expect(error).toBeInstanceOf(ClocheError);
      }
  }
});

test('Retry-After is read in seconds and as a date, and anything else is none', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const after = (value: string) => retryAfter(new Headers({ 'retry-after': value }), now);
  expect(after('120')).toBe(120_000);
  expect(after('Thu, 01 Jan 2026 00:00:10 GMT')).toBe(10_000);
  expect(after('Wed, 31 Dec 2025 00:00:10 GMT')).toBe(0);
  for (const nothing of ['soon', '1e9', '']) expect(after(nothing)).toBeUndefined();
});
