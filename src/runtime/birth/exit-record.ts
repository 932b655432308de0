import type { Block } from '../../linux/plan/index.ts';
import { buffer, call, flags, pointer, result, type Step, text } from '../../linux/plan/index.ts';
import type { Pair } from './shim.ts';

/** So many bytes a whole record has; one that is shorter has not been written to its end. */
export const EXIT_RECORD_SIZE = 8 + 16 + 256;

/**
 * Writes how it ended into `path`, which is there and empty, so that whoever waits can hold it open: the
 * container may be removed before he looks. The record is the wait status (u32), padding, seconds and
 * nanoseconds (u64 each), and what `counter` says, which goes with the cgroup: at most 256 bytes, the rest is zero.
 */
export function exitRecordSteps({ status }: Pair, path: string, counter?: string): Step[] {
  const [fd, time, counts] = [result('record'), buffer('time', 16), buffer('counts', 256)];
  return [
    ...(counter === undefined ? [] : readSteps(counter, counts)),
    call('clock_gettime', [flags('CLOCK_REALTIME'), pointer(time)], 'when it ended', {
      tolerate: 'any',
    }),
    call(
      'openat',
      [flags('AT_FDCWD'), text(path), flags('O_WRONLY', 'O_CLOEXEC')],
      'the exit record',
      { save: fd, tolerate: 'any' },
    ),
    call('write', [fd, pointer(status), 8], 'how it ended', { tolerate: 'any' }),
    call('write', [fd, pointer(time), 16], 'and when', { tolerate: 'any' }),
    call('write', [fd, pointer(counts), counts.size], 'and why, perhaps', { tolerate: 'any' }),
  ];
}

/** The beginning of a file, as far as there is one. */
function readSteps(path: string, into: Block): Step[] {
  const fd = result('counter');
  const open = [flags('AT_FDCWD'), text(path), flags('O_RDONLY', 'O_CLOEXEC')];
  return [
    call('openat', open, 'was it killed for lack of memory?', { save: fd, tolerate: 'any' }),
    call('read', [fd, pointer(into), into.size], 'the kernel has counted', { tolerate: 'any' }),
    call('close', [fd], 'read', { tolerate: 'any' }),
  ];
}
