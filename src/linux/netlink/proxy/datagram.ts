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
  type Value,
  value,
} from '../../plan/index.ts';
import { socketAddress } from '../address.ts';
import {
  ANY,
  type Door,
  END,
  fdOf,
  isShimGone,
  NOTHING,
  ONE,
  POLLIN,
  sayBusy,
  shimIn,
  type Watched,
  WORD,
} from './process.ts';

/**
 * UDP has no connections, but who asks waits for the answer where it asked from. So whoever takes the first
 * datagram makes one: a socket with the door's own address that is connected to the asker. The kernel
 * gives it all that comes from there, and the door what comes from others. It ends when neither side has
 * said anything for as long as docker's proxy waits.
 */

/** Seconds. */
const IDLE = 90;
/** `struct pollfd`: who asks, the container, and the shim. */
const SIDES = block('sides', [int32(-1, POLLIN), int32(-1, POLLIN), int32(-1, NOTHING)]);
const [CLIENT, SERVER] = [value(SIDES, 0, 'i32'), value(SIDES, 8, 'i32')];
const DATAGRAM = buffer('datagram', 65_536);
const LENGTH = result('length of a datagram');
const ASKER = buffer('asker', 28);
const ASKER_SIZE = block('size of an address', [int32(ASKER.size)]);
const PATIENCE = buffer('patience', 16);
const OPEN = 'who has asked is known';

/** The door lets others of its address be beside it, if they are ours. */
export function shareDoor({ socket }: Door): Step {
  return call(
    'setsockopt',
    [socket, flags('SOL_SOCKET'), flags('SO_REUSEPORT'), ONE, 4],
    'for ::1 alone: who is answered gets a socket of its own beside it',
  );
}

/** What is made before anybody comes. */
export function readyForDatagrams(): Step[] {
  const kind = [flags('AF_INET6'), flags('SOCK_DGRAM', 'SOCK_CLOEXEC'), 0];
  const option = (level: 'SOL_SOCKET' | 'IPPROTO_IPV6', name: 'SO_REUSEPORT' | 'IPV6_V6ONLY') =>
    [CLIENT, flags(level), flags(name), ONE, 4] as const;
  return [
    call('socket', kind, 'to who will ask', { save: CLIENT }),
    call('setsockopt', option('SOL_SOCKET', 'SO_REUSEPORT'), 'beside the door'),
    call('setsockopt', option('IPPROTO_IPV6', 'IPV6_V6ONLY'), 'and not the same port of IPv4'),
    call('socket', kind, 'to the container', { save: SERVER }),
  ];
}

/** Takes a datagram from the door, if there is one. */
export function takeDatagram(
  { ip, port, hostPort }: Door,
  watched: Watched,
  index: number,
): Step[] {
  const next: Label = { name: 'the next door' };
  const [ours, theirs] = [socketAddress('::1', hostPort), socketAddress(ip, port)];
  return [
    call(
      'recvfrom',
      [
        ...[fdOf(watched, index), pointer(DATAGRAM), DATAGRAM.size],
        ...[flags('MSG_DONTWAIT'), pointer(ASKER), pointer(ASKER_SIZE)],
      ],
      `has somebody sent something to ${port}?`,
      { save: LENGTH, jump: { on: 'negative', to: next } },
    ),
    sayBusy(),
    call('bind', [CLIENT, bytes(ours, `[::1]:${hostPort}`), ours.length], "the door's address"),
    call('connect', [SERVER, bytes(theirs, `[${ip}]:${port}`), theirs.length], 'to the container'),
    jump(OPEN, 'the first datagram is here'),
    label(next, 'nobody has'),
  ];
}

/** Passes on what comes from either side. */
export function exchangeDatagrams(watched: Watched): Step[] {
  const others: Label = { name: 'from others' };
  const first: Label = { name: 'the first one' };
  const turn: Label = { name: 'turn' };
  const connect = [CLIENT, pointer(ASKER), ASKER.size] as const;
  return [
    call('connect', connect, 'from here on it hears nobody else', { label: OPEN }),
    // UDP may lose what it carries, and must not confuse whose it is.
    call(
      'recvfrom',
      [CLIENT, pointer(WORD), 1, flags('MSG_DONTWAIT'), 0, 0],
      'what came in between may be from others',
      { label: others, jump: { on: 'negative', to: first } },
    ),
    jump(others, 'and is lost'),
    call('value', [shimIn(watched)], 'the shim is watched as before', {
      label: first,
      save: value(SIDES, 16, 'i32'),
    }),
    send(SERVER),
    call('value', [IDLE], 'the kernel counts it down', { label: turn, save: value(PATIENCE, 0) }),
    call('ppoll', [pointer(SIDES), 3, pointer(PATIENCE), 0, 0], 'until one of them speaks', {
      tolerate: ['EINTR'],
      jump: { on: 'zero', to: END },
    }),
    isShimGone(watched),
    ...pass(CLIENT, SERVER),
    ...pass(SERVER, CLIENT),
    jump(turn, 'and on'),
  ];
}

function pass(from: Value, to: Value): Step[] {
  const nothing: Label = { name: 'nothing from there' };
  const args = [from, pointer(DATAGRAM), DATAGRAM.size, flags('MSG_DONTWAIT'), 0, 0] as const;
  return [
    call('recvfrom', args, 'what is said', { save: LENGTH, jump: { on: 'negative', to: nothing } }),
    send(to),
    label(nothing, 'that was all for now'),
  ];
}

function send(to: Value): Step {
  const args = [to, pointer(DATAGRAM), LENGTH, flags('MSG_NOSIGNAL'), 0, 0] as const;
  return call('sendto', args, 'is passed on', ANY);
}
