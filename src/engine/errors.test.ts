import { expect, test } from 'bun:test';
import { ClocheError } from '../error.ts';
import { exitCodeFor, startError } from './errors.ts';

const failed = (errno: string) =>
  startError(
    new ClocheError('STEP_FAILED', 'bind', {
      details: { call: 'bind', errno, why: 'publish 1.2.3.4:80/tcp' },
    }),
  );

test.each([
  ['EADDRINUSE', 'port is already allocated', 'who has it'],
  ['EADDRNOTAVAIL', 'cannot assign requested address', 'none of this machine'],
])('a port that %s refuses has the hint that belongs to it', (errno, message, hint) => {
  const error = failed(errno);
  expect(error.message).toBe(`Bind for 1.2.3.4:80 failed: ${message}`);
  expect(error.hint).toContain(hint);
});

test.each([
  ['COMMAND_NOT_FOUND', 127],
  ['COMMAND_NOT_EXECUTABLE', 126],
  ['NOT_A_TTY', 1],
  ['IMAGE_NOT_FOUND', 125],
])('%s ends a run with %i', (code, exitCode) => {
  expect(exitCodeFor(new ClocheError(code, ''))).toBe(exitCode as 1 | 125);
});
