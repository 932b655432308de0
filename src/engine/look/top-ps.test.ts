import { expect, test } from 'bun:test';
import { chosen } from './top-ps.ts';

const PRINTED = `USER         PID %CPU COMMAND
root           1  0.0 /sbin/init
root          17  0.1 sh -c  sleep 1;  true
www         1234  0.0 [kworker]
`;

test('of what ps prints the lines of these pids stay, the last column whole', () => {
  expect(chosen(PRINTED, new Set(['17', '1234', '99']))).toEqual({
    titles: ['USER', 'PID', '%CPU', 'COMMAND'],
    rows: [
      ['root', '17', '0.1', 'sh -c sleep 1; true'],
      ['www', '1234', '0.0', '[kworker]'],
    ],
  });
});

test('without pids nobody knows whose lines they are', () => {
  expect(() => chosen('USER COMMAND\nroot init\n', new Set(['1']))).toThrow("couldn't find PID");
});
