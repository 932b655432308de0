import { cloning } from '../clone.ts';
import { PLAN_BASE, PLAN_MAX } from '../plan/format.ts';
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
} from '../plan/index.ts';
import { PLAN_FD } from '../walker/program.ts';
import { socketAddress } from './address.ts';

/**
 * What `::1` is told, which the kernel lets no rule send on: a process listens for it, as docker's
 * proxy does, and passes the bytes on. It is the plan's own: one process that makes others, one of
 * which always waits for the next connection; each then has its connection alone, and halves itself:
 * one reads here and writes there, the other the other way. All other packets go past it.
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

/** A port that is listened on: the socket that holds it, and where it leads to. */
export interface Door {
  readonly socket: Value;
  /** An address of IPv6. */
  readonly ip: string;
  readonly port: number;
}

export function proxySteps(doors: readonly Door[]): Proxy {
  if (doors.length === 0) return { start: [], stop: [], apart: [] };
  const [pid, pidfd] = [result('proxy'), buffer('proxy', 8)];
  const to: Label = { name: 'proxy' };
  const why = 'the process that serves ::1, to which no rule applies';
  const { parent } = cloning({ flags: [], pid, pidfd }, to, why);
  const watched = block('doors', [...doors.map(() => int32(-1, POLLIN)), int32(-1, NOTHING)]);
  return {
    start: [
      ...doors.map(({ socket }) =>
        call('listen', [socket, 128], 'for ::1 alone; the rest goes by'),
      ),
      call('pipe2', [pointer(LIFE), flags('O_CLOEXEC')], 'by it we and they see each other end'),
      ...parent,
      call('close', [THEIRS], 'that end is theirs'),
    ],
    stop: stopSteps(pid, value(pidfd, 0, 'i32')),
    apart: within({ onFail: END, pause: false }, [
      ...master(to, doors, watched),
      ...connection(doors, watched),
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
    call('read', [OURS, pointer(WORD), 1], 'until nobody holds the other end any more', ANY),
    call('wait4', [pid, 0, flags('__WALL'), 0], 'and see it ended', ANY),
    label(none, 'the ports are ours alone'),
  ];
}

/** What is waited for; an end that nobody reads from any more is said in any case. */
const [POLLIN, NOTHING] = [1, 0];
const END = 'the proxy ends';
const CONNECTION = 'a connection';
const BACK = 'the way back';
const PIPE = buffer('served', 8);
const WORD = buffer('served word', 8);
const LIFE = buffer('life', 8);
const [OURS, THEIRS] = [value(LIFE, 0, 'i32'), value(LIFE, 4, 'i32')];
const DATA = buffer('passing', 16_384);
const [CLIENT, SERVER] = [result('client'), result('server')];
const ANY = { tolerate: 'any' } as const;

/** Takes from the shim what it needs, lets go of the rest, and makes one process for each connection. */
function master(here: Label, doors: readonly Door[], watched: ReturnType<typeof block>): Step[] {
  const serve: Label = { name: 'the next one' };
  const why = 'it waits for the next connection';
  const about = { flags: [], pid: result('server of one'), pidfd: buffer('server of one', 8) };
  // Above what the shim has open, its sockets too, so that all of that can be closed at once.
  const above = 500 + 2 * doors.length;
  const keep = (fd: Value, index: number) =>
    call('fcntl', [fd, flags('F_DUPFD_CLOEXEC'), above], 'to be kept', {
      save: value(watched, index * 8, 'i32'),
    });
  return [
    call('prctl', DIE_WITH_PARENT, 'no proxy without its shim', { label: here }),
    // From here on nothing that is saved is seen by the shim.
    call('mmap', OWN_MEMORY, 'the plan once more, for us alone'),
    call('prctl', [flags('PR_SET_NAME'), text('cloche-proxy'), 0, 0, 0], 'how `ps` shows us'),
    ...doors.map(({ socket }, index) => keep(socket, index)),
    keep(THEIRS, doors.length),
    call('close_range', [0, PLAN_FD - 1, 0], "the container's output is not ours to hold open"),
    call('close_range', [PLAN_FD + 1, above - 1, 0], "nor is anything else of the shim's"),
    isShimGone(watched, doors.length),
    call('rt_sigaction', [flags('SIGCHLD'), IGNORED, 0, 8], 'nobody is waited for'),
    call('pipe2', [pointer(PIPE), flags('O_CLOEXEC')], 'on which is said that one is busy'),
    ...cloning(about, CONNECTION, why).parent.map((step, index) =>
      index === 0 ? { ...step, label: serve } : step,
    ),
    call('read', [value(PIPE, 0, 'i32'), pointer(WORD), 1], 'until it has one', {
      jump: { on: 'positive', to: serve },
    }),
    jump(END, 'nobody serves any more'),
  ];
}

/** Waits for a connection at any door, makes the one to the container, and passes bytes on. */
function connection(doors: readonly Door[], watched: ReturnType<typeof block>): Step[] {
  const wait: Label = { name: 'wait at the doors' };
  const open: Label = { name: 'both ends are there' };
  const stream = flags('SOCK_STREAM', 'SOCK_CLOEXEC');
  return [
    ...orphaned(CONNECTION, watched, doors.length),
    call('socket', [flags('AF_INET6'), stream, 0], 'to the container', { save: SERVER }),
    call('ppoll', [pointer(watched), doors.length + 1, 0, 0, 0], 'until somebody comes', {
      label: wait,
      tolerate: ['EINTR'],
    }),
    isShimGone(watched, doors.length),
    ...doors.flatMap(({ ip, port }, index) => {
      const next: Label = { name: 'the next door' };
      const name = socketAddress(ip, port);
      const args = [value(watched, index * 8, 'i32'), 0, 0, flags('SOCK_CLOEXEC')];
      return [
        call('accept4', args, `is somebody there for ${port}?`, {
          save: CLIENT,
          jump: { on: 'negative', to: next },
        }),
        // For a minute after its end the kernel remembers a connection, and would keep the port for it.
        call(
          'setsockopt',
          [CLIENT, flags('SOL_SOCKET'), flags('SO_REUSEADDR'), ONE, 4],
          'ports are reused',
        ),
        call('write', [value(PIPE, 4, 'i32'), bytes(Uint8Array.of(1), '"1"'), 1], 'we are busy'),
        call('connect', [SERVER, bytes(name, `[${ip}]:${port}`), name.length], 'to the container'),
        jump(open, 'it answers'),
        label(next, 'nobody is there'),
      ];
    }),
    jump(wait, 'another was quicker'),
    ...halves(open, watched, doors.length),
  ];
}

/** Two processes, each of which carries what one end says to the other. */
function halves(open: Label, watched: ReturnType<typeof block>, shim: number): Step[] {
  const pid = result('the other half');
  const { parent } = cloning(
    { flags: [], pid, pidfd: buffer('half', 8) },
    BACK,
    'for the way back',
  );
  return [
    label(open, 'from here on there are two of us'),
    ...parent,
    ...carry(CLIENT, SERVER),
    // The other half dies with us, and may still have something to carry.
    call('wait4', [pid, 0, flags('__WALL'), 0], 'the answer may be longer', ANY),
    jump(END, 'both have said all'),
    ...orphaned(BACK, watched, shim),
    ...carry(SERVER, CLIENT),
    jump(END, 'that was all'),
  ];
}

function carry(from: Value, to: Value): Step[] {
  const length = result('carried');
  const [again, some, done] = [{ name: 'more' }, { name: 'some' }, { name: 'all' }];
  const data = pointer(DATA);
  return [
    call('read', [from, data, DATA.size], 'what is said', { label: again, save: length, ...ANY }),
    call('value', [length], 'or is that all?', { ...ANY, jump: { on: 'positive', to: some } }),
    jump(done, 'that was all'),
    call('sendto', [to, data, length, flags('MSG_NOSIGNAL'), 0, 0], 'is passed on', {
      label: some,
      jump: { on: 'positive', to: again },
      ...ANY,
    }),
    call('shutdown', [to, flags('SHUT_WR')], 'and the end of it, too', { label: done, ...ANY }),
  ];
}

/** The first steps of a process that shall not outlive who made it, nor be there when that is gone already. */
function orphaned(here: Label, watched: ReturnType<typeof block>, shim: number): Step[] {
  return [
    call('prctl', DIE_WITH_PARENT, 'nobody serves without a shim', { label: here }),
    isShimGone(watched, shim),
  ];
}

function isShimGone(watched: ReturnType<typeof block>, index: number): Step {
  return call('ppoll', [pointer(watched, index * 8), 1, NOW, 0, 0], 'is the shim still there?', {
    jump: { on: 'positive', to: END },
  });
}

const DIE_WITH_PARENT = [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0];
const ONE = bytes(int32(1), '[1]');
const NOW = pointer(block('at once', [0, 0], { shown: '{0}' }));
/** `struct sigaction` as the kernel has it: handler, flags, restorer, mask. */
const IGNORED = bytes(new Uint8Array(BigUint64Array.of(1n, 0n, 0n, 0n).buffer), '{SIG_IGN}');
const OWN_MEMORY = [
  PLAN_BASE,
  PLAN_MAX,
  flags('PROT_READ', 'PROT_WRITE'),
  flags('MAP_PRIVATE', 'MAP_FIXED'),
  PLAN_FD,
  0,
];
