import type { Block } from '../../linux/plan/index.ts';
import {
  buffer,
  call,
  flags,
  mode,
  pointer,
  result,
  type Step,
  text,
} from '../../linux/plan/index.ts';
import type { Pair } from './shim.ts';

/**
 * Writes how it ended into `path`, atomically: whoever finds the file finds all of it. The record
 * is the wait status (u32), padding, seconds and nanoseconds (u64 each), and what `counter` says, which
 * goes with the cgroup: at most 256 bytes, the rest is zero.
 */
export function exitRecordSteps({ status }: Pair, path: string, counter?: string): Step[] {
  const [fd, time, counts] = [result('record'), buffer('time', 16), buffer('counts', 256)];
  const temporary = `${path}.new`;
  return [
    ...(counter === undefined ? [] : readSteps(counter, counts)),
    call('clock_gettime', [flags('CLOCK_REALTIME'), pointer(time)], 'when it ended', {
      tolerate: 'any',
    }),
    call(
      'openat',
      [
        flags('AT_FDCWD'),
        text(temporary),
        flags('O_WRONLY', 'O_CREAT', 'O_TRUNC', 'O_CLOEXEC'),
        mode(0o600),
      ],
      'the exit record',
      { save: fd, tolerate: 'any' },
    ),
    call('write', [fd, pointer(status), 8], 'how it ended', { tolerate: 'any' }),
    call('write', [fd, pointer(time), 16], 'and when', { tolerate: 'any' }),
    call('write', [fd, pointer(counts), counts.size], 'and why, perhaps', { tolerate: 'any' }),
    call(
      'renameat',
      [flags('AT_FDCWD'), text(temporary), flags('AT_FDCWD'), text(path)],
      'whole or not at all',
      {
        tolerate: 'any',
      },
    ),
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
