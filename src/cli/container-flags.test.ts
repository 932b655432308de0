import { expect, test } from 'bun:test';
import { dirname } from 'node:path';
import { addHost, addMount, addUlimit, addVolume } from './container-flags.ts';

test.each([
  ['db:10.0.0.1', 'db', '10.0.0.1'],
  ['db=10.0.0.1', 'db', '10.0.0.1'],
  ['db:::1', 'db', '::1'],
  ['db=[fe80::1]', 'db', 'fe80::1'],
  ['host.docker.internal:host-gateway', 'host.docker.internal', 'host-gateway'],
])('host %s', (text, name, address) => {
  expect(addHost(text, [])).toEqual([{ name, address }]);
});

test.each([
  ['db', 'name:10.0.0.1'],
  [':10.0.0.1', 'name:10.0.0.1'],
  ['db:', 'name:10.0.0.1'],
  ['db:10.0.0.256', "'10.0.0.256' is no IP address"],
  ['two words:10.0.0.1', 'name:10.0.0.1'],
])('host %s is refused', (text, why) => {
  expect(() => addHost(text)).toThrow(why);
});

test('limits: hard is soft if it is not said, and the later of two counts', () => {
  const limits = addUlimit('nofile=64:128', addUlimit('core=-1', addUlimit('nofile=9')));
  expect(limits).toEqual([
    { type: 'RLIMIT_CORE', soft: -1, hard: -1 },
    { type: 'RLIMIT_NOFILE', soft: 64, hard: 128 },
  ]);
});

test.each([
  ['nofile', 'looks like'],
  ['nofile=many', 'looks like'],
  ['as=1', "there is no 'as'"],
  ['nofile=2:1', '2 > 1'],
  ['nofile=-1:1', '-1 > 1'],
])('limit %s is refused', (text, why) => {
  expect(() => addUlimit(text)).toThrow(why);
});

test('--mount says in names what -v says in order', () => {
  const all = [
    'type=bind,source=/usr,target=/b,readonly',
    'src=data,dst=/c',
    'type=volume,target=/d',
    'type=tmpfs,destination=/e,tmpfs-size=1m,tmpfs-mode=700',
    'type=bind,src=/usr,dst=/f,readonly=false',
  ].reduce<ReturnType<typeof addMount> | undefined>(
    (before, text) => addMount(text, before),
    undefined,
  );
  expect(all).toEqual({
    volumes: ['/usr:/b:ro', 'data:/c', '/d', '/usr:/f'],
    tmpfs: ['/e:size=1m,mode=700'],
  });
});

const here = process.cwd();

test.each([
  ['./rel:/x', `${here}/rel:/x`],
  ['.:/x:ro', `${here}:/x:ro`],
  ['../a:/y', `${dirname(here)}/a:/y`],
  ['/abs:/x', '/abs:/x'],
  ['name:/x', 'name:/x'],
  ['/only', '/only'],
])('-v %s: what begins with a dot is a path from here', (text, volume) => {
  expect(addVolume(text, [])).toEqual([volume]);
  expect(addVolume(text, ['/a:/b'])).toEqual(['/a:/b', volume]);
});

test('--mount takes a path from here for a bind, and never for a volume', () => {
  expect(addMount('type=bind,source=./src,target=/x').volumes).toEqual([`${here}/src:/x`]);
  expect(addMount('type=bind,src=.,target=/x').volumes).toEqual([`${here}:/x`]);
  expect(() => addMount('type=bind,source=src,target=/x')).toThrow('type=bind needs source=/');
});
