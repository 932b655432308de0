import { expect, test } from 'bun:test';
import { broadcastOf, macOf, maskOf, networkOf, parseIp, parseMac } from './address.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test.each([
  ['10.88.0.2', '0a580002'],
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['fd00:88::', 'fd000088000000000000000000000000'],
  ['2001:db8:0:1:2:3:4:abcd', '20010db800000001000200030004abcd'],
  ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
])('parseIp reads %s', (text, bytes) => {
  expect(hex(parseIp(text).bytes)).toBe(bytes);
});

test.each(['', '10.88.0', '10.88.0.256', 'fd00::1::2', 'fe80::1%eth0', 'localhost'])(
  'parseIp refuses "%s"',
  (text) => {
    expect(() => parseIp(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
  },
);

test.each([
  [0, '00000000', '00000000', 'ffffffff'],
  [16, 'ffff0000', '0a580000', '0a58ffff'],
  [20, 'fffff000', '0a581000', '0a581fff'],
  [32, 'ffffffff', '0a581234', '0a581234'],
])('maskOf, networkOf and broadcastOf a /%d', (prefix, mask, network, broadcast) => {
  const address = parseIp('10.88.18.52');
  expect(hex(maskOf(address, prefix))).toBe(mask);
  expect(hex(networkOf(address, prefix))).toBe(network);
  expect(hex(broadcastOf(address, prefix))).toBe(broadcast);
});

test.each([-1, 33, 1.5])('maskOf refuses a prefix of %d', (prefix) => {
  expect(() => maskOf(parseIp('10.0.0.1'), prefix)).toThrow('no prefix length');
});

test('macOf is made from the address, and parseMac reads it', () => {
  expect(macOf('10.88.0.2')).toBe('02:42:0a:58:00:02');
  expect(hex(parseMac('02:42:0A:58:00:02'))).toBe('02420a580002');
  expect(() => parseMac('02:42:0a:58:00')).toThrow('no MAC address');
});
