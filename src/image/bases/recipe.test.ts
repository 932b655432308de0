import { expect, test } from 'bun:test';
import { parseReference, withTag } from '../reference.ts';
import { recipeOf } from './recipe.ts';

test.each([
  ['debian', { kind: 'debian', suite: 'trixie', slim: false }],
  ['debian:12', { kind: 'debian', suite: 'bookworm', slim: false }],
  ['debian:bookworm-slim', { kind: 'debian', suite: 'bookworm', slim: true }],
  ['docker.io/library/debian:sid', { kind: 'debian', suite: 'sid', slim: false }],
  ['debian:12.5', { kind: 'debian', suite: 'bookworm', slim: false, pinned: '12.5' }],
  ['debian:12.5-slim', { kind: 'debian', suite: 'bookworm', slim: true, pinned: '12.5' }],
  [
    'debian:bookworm-20250101-slim',
    { kind: 'debian', suite: 'bookworm', slim: true, pinned: '20250101' },
  ],
  [
    'debian:bookworm-backports',
    { kind: 'debian', suite: 'bookworm', slim: false, backports: true },
  ],
  ['debian:oldoldstable', { kind: 'debian', suite: 'bullseye', slim: false }],
  ['buildpack-deps:12', { kind: 'buildpack-deps', suite: 'bookworm' }],
  ['node:lts-slim', { kind: 'node', wanted: 'lts', flavour: 'slim', suite: 'bookworm' }],
  ['alpine', { kind: 'alpine' }],
  ['alpine:3.20.1', { kind: 'alpine' }],
  ['busybox:1.36-musl', { kind: 'busybox' }],
  ['gcr.io/distroless/static', { kind: 'distroless', flavour: 'static', nonroot: false }],
  [
    'gcr.io/distroless/nodejs22-debian12:nonroot',
    { kind: 'distroless', flavour: 'nodejs', line: '22', nonroot: true },
  ],
  ['gcr.io/distroless/java21', undefined],
  ['distroless/static', undefined],
  ['ubuntu', undefined],
  ['someone/debian:12', undefined],
  ['localhost:5000/library/debian:12', undefined],
])('what is made for %s', (name, suite) => {
  expect(recipeOf(withTag(parseReference(name)))).toEqual(suite as never);
});

test.each([
  'node:22-windows',
  'alpine:2',
  'gcr.io/distroless/cc:debug',
  'debian:potato',
  'debian:14.1',
  'debian:bookworm.1',
  'debian:bookworm-1999',
  'debian:bookworm-backports-slim',
  'buildpack-deps:bookworm-20250101',
  'buildpack-deps:bookworm-backports',
  'debian:constructor',
  'debian:-slim-slim'.replace(':-', ':x-'),
])('%s is not made here', (name) => {
  expect(() => recipeOf(parseReference(name))).toThrow(`no such image: ${name}`);
});
