import { CONTROL_FD } from '../../linux/launch.ts';
import type { Block } from '../../linux/plan/index.ts';
import {
  block,
  buffer,
  bytes,
  call,
  flags,
  int32,
  jump,
  label,
  mode,
  pointer,
  result,
  type Step,
  text,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import type { Pair } from './shim.ts';

/** Something that the shim reads whenever there is something to read. */
export interface Channel {
  readonly name: string;
  readonly from: Value | number;
  /** What to do with `length` bytes that lie in `data`. */
  readonly deliver: (data: Block, length: Value) => Step[];
  /** Whether what is still in it is delivered after the container has ended. */
  readonly drain: boolean;
}

/**
 * The shim's loop: wait until a channel has something or the container has ended; deliver; again.
 *
 * Poll says that a read will not block, for each channel by itself, so that descriptors which belong
 * to others too (the user's terminal) need not be made non-blocking. Source: ppoll(2), pidfd_open(2).
 */
export function pumpSteps(channels: readonly Channel[], { pid, pidfd, status }: Pair): Step[] {
  const fds = block('fds', pollEntries(channels.length + 1));
  const data = buffer('data', 32768);
  const loop = { name: 'loop' };
  const place = (i: number) => value(fds, i * 8, 'i32');
  const drainable = channels.flatMap((channel, i) => (channel.drain ? [{ channel, i }] : []));
  return [
    ignorePipes(),
    ...[...channels.map(({ from }) => from), pidfd].map((fd, i) =>
      call('value', [fd], 'watch it', { save: place(i), pause: false }),
    ),
    call('ppoll', [pointer(fds), channels.length + 1, 0, 0, 0], 'wait until something happens', {
      label: loop,
      tolerate: ['EINTR'],
    }),
    ...channels.flatMap((channel, i) => oneRead(channel, pointer(fds, i * 8), place(i), data)),
    call(
      'wait4',
      [pid, pointer(status), flags('WNOHANG', '__WALL'), 0],
      'has the container ended?',
      {
        jump: { on: 'zero', to: loop },
      },
    ),
    ...drainable.flatMap(({ channel, i }) => {
      const [again, done] = [{ name: 'again' }, { name: 'done' }];
      return [
        call('ppoll', [pointer(fds, i * 8), 1, NOW, 0, 0], `anything left in ${channel.name}?`, {
          label: again,
          jump: { on: 'zero', to: done },
        }),
        ...oneRead(channel, pointer(fds, i * 8), place(i), data),
        jump(again, 'once more'),
        label(done, `${channel.name} is empty`),
      ];
    }),
  ];
}

/** A time-out of nothing: poll only looks. arm64 has no poll(2), so it is ppoll. */
const NOW = pointer(block('now', [0, 0], { shown: '{0}' }));

/** Reads the channel once if poll says so; at its end (or on an error, as a terminal's EIO) stops watching it. */
function oneRead(
  channel: Channel,
  entry: ReturnType<typeof pointer>,
  fd: Value,
  data: Block,
): Step[] {
  const length = result('n');
  const [nothing, something] = [{ name: 'nothing' }, { name: 'something' }];
  return [
    call('ppoll', [entry, 1, NOW, 0, 0], `has ${channel.name} anything?`, {
      jump: { on: 'zero', to: nothing },
    }),
    call('read', [fd, pointer(data), data.size], `read ${channel.name}`, {
      save: length,
      tolerate: 'any',
    }),
    call('value', [length], 'is it the end?', {
      tolerate: 'any',
      jump: { on: 'positive', to: something },
    }),
    call('value', [-1], `${channel.name} is closed: watch it no more`, {
      save: fd,
      tolerate: 'any',
    }),
    jump(nothing, 'nothing to deliver'),
    label(something, 'there is something'),
    ...channel.deliver(data, length),
    label(nothing, `done with ${channel.name}`),
  ];
}

/** Writes what was read to `to`; that it is gone is nobody's failure. */
export function copyTo(to: Value | number): Channel['deliver'] {
  return (data, length) => [
    call('write', [to, pointer(data), length], 'pass it on', { tolerate: 'any' }),
  ];
}

/** Eight bytes on the control socket are a new window size for the terminal. */
export function resizeFrom(master: Value): Channel {
  return {
    name: 'the engine',
    from: CONTROL_FD,
    drain: false,
    deliver: (data) => [
      call('ioctl', [master, flags('TIOCSWINSZ'), pointer(data)], 'the window has another size', {
        tolerate: 'any',
      }),
    ],
  };
}

/** Bytes before each piece of a log: seconds, nanoseconds, stream (1 or 2), length, each a u64. */
export const LOG_HEADER_SIZE = 32;

/** Opens the log to append to. */
export function openLog(path: string, log: Value): Step {
  return call(
    'openat',
    [
      flags('AT_FDCWD'),
      text(path),
      flags('O_WRONLY', 'O_CREAT', 'O_APPEND', 'O_CLOEXEC'),
      mode(0o600),
    ],
    'where the output is kept',
    { save: log },
  );
}

/** Appends what was read to the log, behind a header that says when and from which stream. */
export function logTo(log: Value, stream: 1 | 2): Channel['deliver'] {
  const header = block('header', [0, 0, stream, 0]);
  return (data, length) => {
    const vector = block('vector', [pointer(header), LOG_HEADER_SIZE, pointer(data), 0]);
    return [
      call('clock_gettime', [flags('CLOCK_REALTIME'), pointer(header)], 'when'),
      call('value', [length], 'how much, for the header', { save: value(header, 24) }),
      call('value', [length], 'and for writev', { save: value(vector, 24) }),
      call('writev', [log, pointer(vector), 2], 'into the log, in one piece', { tolerate: 'any' }),
    ];
  };
}

/** A reader that is gone must not kill the shim. After the clone, since init would inherit it. */
function ignorePipes(): Step {
  const SIG_IGN = 1;
  const action = bytes(
    new Uint8Array(BigUint64Array.of(BigInt(SIG_IGN), 0n, 0n, 0n).buffer),
    '{SIG_IGN}',
  );
  return call('rt_sigaction', [13, action, 0, 8], 'SIGPIPE is nothing to die of');
}

/** `struct pollfd` for n descriptors that are filled in later: POLLIN asked of each. */
function pollEntries(count: number): Uint8Array[] {
  return Array.from({ length: count }, () => int32(-1, 1));
}
