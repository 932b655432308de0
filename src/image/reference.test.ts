import { describe, expect, test } from 'bun:test';
import { ClocheError } from '../error.ts';
import { canonical, familiar, familiarName, parseReference, withTag } from './reference.ts';

const HEX = 'a'.repeat(64);

describe('a reference is normalised as docker does', () => {
  test.each([
    ['debian', 'docker.io/library/debian', 'debian'],
    ['debian:bookworm', 'docker.io/library/debian:bookworm', 'debian:bookworm'],
    ['docker.io/library/debian:bookworm', 'docker.io/library/debian:bookworm', 'debian:bookworm'],
    ['index.docker.io/debian', 'docker.io/library/debian', 'debian'],
    ['docker.io/debian', 'docker.io/library/debian', 'debian'],
    ['user/app:1.0', 'docker.io/user/app:1.0', 'user/app:1.0'],
    ['library/a/b', 'docker.io/library/a/b', 'library/a/b'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/app', 'localhost:5000/app', 'localhost:5000/app'],
    ['localhost:5000/app:1', 'localhost:5000/app:1', 'localhost:5000/app:1'],
    ['ghcr.io/o/r/x', 'ghcr.io/o/r/x', 'ghcr.io/o/r/x'],
    ['Host/app', 'Host/app', 'Host/app'],
    ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
    [`debian@sha256:${HEX}`, `docker.io/library/debian@sha256:${HEX}`, `debian@sha256:${HEX}`],
    ['a__b-c--d.e_f', 'docker.io/library/a__b-c--d.e_f', 'a__b-c--d.e_f'],
  ])('%s', (text, full, short) => {
    const reference = parseReference(text);
    expect(canonical(reference)).toBe(full);
    expect(familiar(reference)).toBe(short);
    expect(parseReference(full)).toEqual(reference);
  });
});

test.each([
  ['', 'invalid reference format'],
  [':bookworm', 'invalid reference format'],
  ['debian:', 'invalid reference format'],
  ['debian:-x', 'invalid reference format'],
  ['de bian', 'invalid reference format'],
  ['a//b', 'invalid reference format'],
  ['/a', 'invalid reference format'],
  ['a..b', 'invalid reference format'],
  ['../../etc/passwd', 'invalid reference format'],
  ['debian@sha256:abc', 'invalid reference format'],
  ['debian@md5:abc', 'invalid reference format'],
  [`debian:${'x'.repeat(129)}`, 'invalid reference format'],
  ['Debian', 'invalid reference format: repository name (library/Debian) must be lowercase'],
  [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
  [`a.b/${'x'.repeat(300)}`, 'repository name must not be more than 255 characters'],
])('refuses %p in docker’s words', (text, message) => {
  const error = catching(() => parseReference(text));
  expect(error).toMatchObject({ code: 'REFERENCE_INVALID', message, class: 'invalid-argument' });
});

test('withTag adds latest only where neither tag nor digest is said', () => {
  expect(withTag(parseReference('debian')).tag).toBe('latest');
  expect(withTag(parseReference('debian:sid')).tag).toBe('sid');
  expect(withTag(parseReference(`debian@sha256:${HEX}`)).tag).toBeUndefined();
});

test('familiarName is the repository alone', () => {
  expect(familiarName(parseReference('localhost:5000/a:1'))).toBe('localhost:5000/a');
  expect(familiarName(parseReference('debian:sid'))).toBe('debian');
});

function catching(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    if (error instanceof ClocheError) return error;
    throw error;
  }
}
