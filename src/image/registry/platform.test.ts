import { expect, test } from 'bun:test';
import type { Digest } from '../digest.ts';
import type { IndexDocument } from './documents.ts';
import { matches, OWN_PLATFORM, parsePlatform, platformName, selectManifest } from './platform.ts';

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['arm64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/x86_64', 'linux/amd64'],
  ['Linux/AArch64', 'linux/arm64'],
  ['linux/arm/v7', 'linux/arm/v7'],
  ['linux/arm/7', 'linux/arm/v7'],
  ['arm/v7', 'linux/arm/v7'],
  ['arm64/v8', 'linux/arm64'],
  ['amd64/v3', 'linux/amd64/v3'],
  ['windows/amd64', 'windows/amd64'],
  ['linux', platformName(OWN_PLATFORM)],
  ['macos/arm64', 'darwin/arm64'],
])('the platform %p means %p', (text, name) => {
  expect(platformName(parsePlatform(text))).toBe(name);
});

test.each([
  ...['', '/', 'linux/', 'a/b/c/d', 'linux/arm 64', '\u001b[2J', 'lunix/amd64', 'linux/amd46'],
  ...['arm64/v8/x', 'arm64/linux', 'linux/arm/', 'constructor/amd64', 'linux/constructor'],
])('%p is not a platform', (text) => {
  expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'PLATFORM_INVALID' }));
});

/** An index of these platforms; each manifest's size is its place. */
function index(...platforms: string[]): IndexDocument {
  const digest = `sha256:${'0'.repeat(64)}` as Digest;
  return {
    schemaVersion: 2,
    manifests: platforms.map((name, size) => {
      const [os = '', architecture = '', variant] = name.split('/');
      return { mediaType: 'm', digest, size, platform: { os, architecture, variant } };
    }),
  };
}

test('the exact variant is chosen, else the first of the architecture', () => {
  const all = index(
    'linux/arm/v5',
    'linux/arm/v7',
    'linux/arm64/v8',
    'linux/amd64',
    'windows/amd64',
  );
  const chosen = (text: string) => selectManifest(all, parsePlatform(text)).size;
  expect(
    ['arm/v7', 'linux/arm', 'arm64', 'amd64', 'windows/amd64'].map((text) => chosen(text)),
  ).toEqual([1, 0, 2, 3, 4]);
});

test('what is not there is refused with what is, attestations left out', () => {
  const there = index('linux/amd64', 'linux/arm64/v8', 'unknown/unknown');
  expect(() => selectManifest(there, parsePlatform('linux/s390x'))).toThrow(
    expect.objectContaining({
      code: 'PLATFORM_NOT_FOUND',
      message: 'no matching manifest for linux/s390x in the manifest list entries',
      hint: 'There are linux/amd64, linux/arm64.',
    }),
  );
});

test('an image without a variant is not one of another variant', () => {
  expect(matches({ os: 'linux', architecture: 'arm64' }, parsePlatform('arm64'))).toBe(true);
  expect(matches({ os: 'linux', architecture: 'arm' }, parsePlatform('linux/arm/v7'))).toBe(false);
});
