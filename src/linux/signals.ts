import { constants } from 'node:os';
import { ClocheError } from '../error.ts';

/** `TERM`, `SIGTERM` or `15` → 15. @throws {ClocheError} `SIGNAL_INVALID` */
export function signalNumber(text: string): number {
  const name = text.toUpperCase();
  const signals = constants.signals as Record<string, number>;
  const number = /^\d+$/.test(text) ? Number(text) : (signals[name] ?? signals[`SIG${name}`]);
  if (number !== undefined && number >= 0 && number <= 64) return number;
  throw new ClocheError('SIGNAL_INVALID', `invalid signal: ${text}`, {
    class: 'invalid-argument',
    hint: 'a name such as TERM or a number from 1 to 64',
  });
}

/** The exit code that a shell would show for a wait status: 128 + n for signal n. Source: wait(2). */
export function exitCodeOf(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}

/** The same for the block that wait4(2) has written to. */
export function exitCodeIn(block: Uint8Array): number {
  return exitCodeOf(new DataView(block.buffer, block.byteOffset).getUint32(0, true));
}
