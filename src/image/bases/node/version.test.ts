import { describe, expect, test } from 'bun:test';
import type { ClocheError } from '../../../error.ts';
import { parseNodeTag } from './tag.ts';
import { chooseNode, chooseNpm } from './version.ts';

test.each([
  ['22', '22', 'fat', 'bookworm'],
  ['22.11.0', '22.11.0', 'fat', 'bookworm'],
  ['latest', 'latest', 'fat', 'bookworm'],
  ['current-slim', 'latest', 'slim', 'bookworm'],
  ['slim', 'latest', 'slim', 'bookworm'],
  ['lts-slim', 'lts', 'slim', 'bookworm'],
  ['22-trixie', '22', 'fat', 'trixie'],
  ['22-bookworm-slim', '22', 'slim', 'bookworm'],
  ['bullseye-slim', 'latest', 'slim', 'bullseye'],
  ['jod', '22', 'fat', 'bookworm'],
  ['lts-jod-slim', '22', 'slim', 'bookworm'],
  ['22-alpine', '22', 'alpine', 'bookworm'],
  ['22.11-alpine3.20', '22.11', 'alpine', 'bookworm'],
  ['alpine', 'latest', 'alpine', 'bookworm'],
])('node:%s is Node %s, %s on %s', (tag, wanted, flavour, suite) => {
  expect(parseNodeTag(tag)).toEqual({ wanted, flavour, suite } as never);
});

test.each([
  '22-',
  '22-slim-bookworm',
  '22-alpine-slim',
  '22-windows',
  '22.1.0.1',
  'v22',
  'slim-22',
])('node:%s is no tag', (tag) => {
  expect(parseNodeTag(tag)).toBeUndefined();
});

describe('of the versions that are published', () => {
  const published = new Map(
    Object.entries({
      '9.9.0': '2018-03-21',
      '18.20.8': '2025-03-27',
      '22.0.0': '2024-04-24',
      '22.9.0': '2024-09-17',
      '22.11.0': '2024-10-29',
      '22.11.1-rc.1': '2024-11-01',
      '23.11.1': '2025-05-14',
      '24.0.0': '2025-05-06',
      '24.1.0': '2025-05-21',
      '25.0.0': '2025-10-15',
    }).map(([version, date]) => [version, new Date(date)]),
  );
  const at = (date: string) => (wanted: string) => chooseNode(wanted, published, new Date(date));
  const refused = (wanted: string) => {
    try {
      return at('2025-11-01')(wanted);
    } catch (error) {
      return error as ClocheError;
    }
  };

  test.each([
    ['22', '22.11.0'],
    ['22.9', '22.9.0'],
    ['22.0.0', '22.0.0'],
    ['24', '24.1.0'],
    ['25', '25.0.0'],
    ['latest', '25.0.0'],
  ])('%s is %s', (wanted, version) => {
    expect(at('2025-11-01')(wanted)).toBe(version);
  });

  test('lts is the newest even line that is old enough to have been promoted', () => {
    expect(at('2025-09-01')('lts')).toBe('22.11.0');
    expect(at('2025-11-01')('lts')).toBe('24.1.0');
  });

  test.each([
    ['18', 'Node 18 is no line that lives'],
    ['23', 'Node 23 is no line that lives'],
    ['9.9.0', 'is no line that lives'],
    ['22.1', "Node 22 lives, but has no '22.1'"],
    ['99', 'is no line that lives'],
  ])('%s is refused, and the error lists what there is', (wanted, says) => {
    const error = refused(wanted);
    expect(error).toMatchObject({ code: 'NODE_VERSION_UNKNOWN', class: 'not-found' });
    expect((error as ClocheError).hint).toContain(says);
    expect((error as ClocheError).hint).toContain('22.11.0, 24.1.0, 25.0.0');
  });
});

test('npm is the newest of the line’s own, as far as its engines take the Node', () => {
  const npms = new Map([
    ['10.9.9', '^18.17.0 || >=20.5.0'],
    ['10.10.0', '>=22.12.0'],
    ['11.0.0-pre.1', '*'],
    ['11.6.0', '^20.17.0 || >=22.9.0'],
    ['12.0.0', '>=26'],
  ]);
  expect(chooseNpm('22.11.0', npms)).toBe('10.9.9');
  expect(chooseNpm('22.12.0', npms)).toBe('10.10.0');
  expect(chooseNpm('24.1.0', npms)).toBe('11.6.0');
  expect(chooseNpm('26.0.0', npms)).toBe('12.0.0');
  expect(() => chooseNpm('20.1.0', npms)).toThrow(
    'no published npm says that it takes Node 20.1.0',
  );
});
