import { expect, test } from 'bun:test';
import { parseChallenges } from './challenge.ts';

test('a token challenge keeps its realm, service and scope', () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/debian:pull"';
  expect(parseChallenges(header)).toEqual([
    {
      scheme: 'bearer',
      parameters: {
        realm: 'https://auth.docker.io/token',
        service: 'registry.docker.io',
        scope: 'repository:library/debian:pull',
      },
    },
  ]);
});

test('several challenges in one header are told apart, whatever commas their values hold', () => {
  const header = 'BASIC realm="a, Bearer realm=b", , Bearer Realm = "t" , service=plain,Negotiate';
  expect(parseChallenges(header)).toEqual([
    { scheme: 'basic', parameters: { realm: 'a, Bearer realm=b' } },
    { scheme: 'bearer', parameters: { realm: 't', service: 'plain' } },
    { scheme: 'negotiate', parameters: {} },
  ]);
});

test('escaped quotes belong to the value', () => {
  expect(parseChallenges('Basic realm="say \\"hi\\\\"')).toEqual([
    { scheme: 'basic', parameters: { realm: 'say "hi\\' } },
  ]);
});

test('what cannot be read offers no way in', () => {
  for (const garbage of ['', '"', '=', '<html>', 'realm="x"', 'Bearer "unclosed', '\u0000'])
    expect(parseChallenges(garbage).every(({ parameters }) => parameters.realm === undefined)).toBe(
      true,
    );
});

test('a long header of garbage is refused in no time', () => {
  const before = performance.now();
  for (const piece of ['a', '\\"', 'a=', ' ,', 'a="', '"\\'])
    parseChallenges(`Bearer realm="${piece.repeat(20_000)}`);
  expect(performance.now() - before).toBeLessThan(2000);
});
