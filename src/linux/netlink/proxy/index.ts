import { cloning } from '../../clone.ts';
import {
  block,
  buffer,
  bytes,
  call,
  flags,
  int32,
  jump,
  type Label,
  label,
  pointer,
  result,
  type Step,
  text,
  type Value,
  value,
  within,
} from '../../plan/index.ts';
import { PLAN_FD } from '../../walker/program.ts';
import { exchangeDatagrams, readyForDatagrams, shareDoor, takeDatagram } from './datagram.ts';
import {
  ANY,
  type Door,
  dieWithParent,
  END,
  fdOf,
  HEARS_OF,
  isShimGone,
  letGoOfFirst,
  makePipes,
  NOTHING,
  orphaned,
  ownMemory,
  type Watched,
  WORD,
  watchedBy,
} from './process.ts';
import { carryStreams, readyForStreams, takeStream } from './stream.ts';

export type { Door } from './process.ts';

/**
 * What `::1` is told, which the kernel lets no rule send on: a process listens for it, as docker's
 * proxy does, and passes the bytes on. It is the plan's own: one process that makes others, one of
 * which always waits for whoever comes next, and then is there for him alone. All other packets go
 * past it.
 *
 * They work in a copy of the plan's memory, each in its own: what they save is nobody else's. All of
 * them die with the shim; one that ends in peace ends them first, since the port is theirs too.
 */
export interface Proxy {
  /** In the shim, once it holds the ports. */
  readonly start: Step[];
  /** In the shim, before it gives the ports back. */
  readonly stop: Step[];
  /** What the others do; it stands where nobody comes who does not jump there. */
  readonly apart: Step[];
}

export function proxySteps(doors: readonly Door[]): Proxy {
  if (doors.length === 0) return { start: [], stop: [], apart: [] };
  const [pid, pidfd] = [result('proxy'), buffer('proxy', 8)];
  const to: Label = { name: 'proxy' };
  const why = 'the process that serves ::1, to which no rule applies';
  const { parent } = cloning({ flags: [], pid, pidfd }, to, why);
  const watched = watchedBy(doors);
  return {
    start: [
      ...doors.map((door) =>
        door.protocol === 'udp'
          ? shareDoor(door)
          : call('listen', [door.socket, 128], 'for ::1 alone; the rest goes by'),
      ),
      call('pipe2', [pointer(LIFE), flags('O_CLOEXEC')], 'by it we and they see each other end'),
      ...parent,
      call('close', [THEIRS], 'that end is theirs'),
    ],
    stop: stopSteps(pid, value(pidfd, 0, 'i32')),
    apart: within({ onFail: END, pause: false }, [
      ...master(to, doors, watched),
      ...serving(doors, watched),
      call('exit_group', [0], 'this one is done', { label: END }),
    ]),
  };
}

/** Ends them, and waits until the last of them has let go of the ports. */
function stopSteps(pid: Value, pidfd: Value): Step[] {
  const none: Label = { name: 'no proxy' };
  const kill = [pidfd, flags('SIGKILL'), 0, 0] as const;
  return [
    call('value', [pid], 'is there a proxy?', { jump: { on: 'zero', to: none } }),
    call('pidfd_send_signal', kill, 'it ends, and with it all it made', { tolerate: ['ESRCH'] }),
    call('close', [THEIRS], 'that end is not ours', ANY),
    call('value', [OURS], 'their last one lets go of the other end', {
      save: value(LET_GO, 0, 'i32'),
    }),
    // Whoever was missed ends when he sees us end; we do not wait for ever.
    call('ppoll', [pointer(LET_GO), 1, pointer(PATIENCE), 0, 0], 'until nobody holds it', ANY),
    call('wait4', [pid, 0, flags('__WALL'), 0], 'and see it ended', ANY),
    label(none, 'the ports are ours alone'),
  ];
}

const SERVE = 'one who serves';
const LIFE = buffer('life', 8);
const LET_GO = block('end of the proxy', [int32(-1, NOTHING)]);
/** Seconds and nanoseconds. */
const PATIENCE = block('two seconds', [2, 0], { shown: '{2}' });
const [OURS, THEIRS] = [value(LIFE, 0, 'i32'), value(LIFE, 4, 'i32')];

/** Takes from the shim what it needs, lets go of the rest, and makes one process for each who comes. */
function master(here: Label, doors: readonly Door[], watched: Watched): Step[] {
  const next: Label = { name: 'the next one' };
  const why = 'it waits for whoever comes next';
  const about = { flags: [], pid: result('server of one'), pidfd: buffer('server of one', 8) };
  // Above what the shim has open, its sockets too, so that all of that can be closed at once.
  const above = 500 + 2 * doors.length;
  const keep = (fd: Value, index: number) =>
    call('fcntl', [fd, flags('F_DUPFD_CLOEXEC'), above], 'to be kept', {
      save: fdOf(watched, index),
    });
  return [
    dieWithParent('no proxy without its shim', here),
    ownMemory(),
    call('prctl', [flags('PR_SET_NAME'), text('cloche-proxy'), 0, 0, 0], 'how `ps` shows us'),
    ...doors.map(({ socket }, index) => keep(socket, index)),
    keep(THEIRS, doors.length),
    call('close_range', [0, PLAN_FD - 1, 0], "the container's output is not ours to hold open"),
    call('close_range', [PLAN_FD + 1, above - 1, 0], "nor is anything else of the shim's"),
    isShimGone(watched),
    call('rt_sigaction', [flags('SIGCHLD'), IGNORED, 0, 8], 'nobody is waited for'),
    ...makePipes(),
    ...cloning(about, SERVE, why).parent.map((step, index) =>
      index === 0 ? { ...step, label: next } : step,
    ),
    call('read', [HEARS_OF, pointer(WORD), 1], 'until it is busy', {
      jump: { on: 'positive', to: next },
    }),
    jump(END, 'nobody serves any more'),
  ];
}

/** Waits for somebody at any door, and is there for him. */
function serving(doors: readonly Door[], watched: Watched): Step[] {
  const wait: Label = { name: 'wait at the doors' };
  const [streams, datagrams] = ['tcp', 'udp'].map((name) =>
    doors.some(({ protocol }) => protocol === name),
  );
  return [
    ...orphaned(SERVE, watched, [letGoOfFirst()]),
    ...(streams ? readyForStreams() : []),
    ...(datagrams ? readyForDatagrams() : []),
    call('ppoll', [pointer(watched.block), doors.length + 1, 0, 0, 0], 'until somebody comes', {
      label: wait,
      tolerate: ['EINTR'],
    }),
    isShimGone(watched),
    ...doors.flatMap((door, index) =>
      (door.protocol === 'udp' ? takeDatagram : takeStream)(door, watched, index),
    ),
    jump(wait, 'another was quicker'),
    ...(streams ? carryStreams(watched) : []),
    ...(datagrams ? exchangeDatagrams(watched) : []),
  ];
}

/** `struct sigaction` as the kernel has it: handler, flags, restorer, mask. */
const IGNORED = bytes(new Uint8Array(BigUint64Array.of(1n, 0n, 0n, 0n).buffer), '{SIG_IGN}');
