import { cloning } from '../../clone.ts';
import {
  buffer,
  bytes,
  call,
  flags,
  jump,
  type Label,
  label,
  pointer,
  result,
  type Step,
  type Value,
} from '../../plan/index.ts';
import { socketAddress } from '../address.ts';
import { ANY, type Door, END, fdOf, ONE, orphaned, sayBusy, type Watched } from './process.ts';

/**
 * A connection of TCP. Whoever has taken it halves himself: one reads here and writes there, the other
 * the other way.
 */

const [CLIENT, SERVER] = [result('client'), result('server')];
const DATA = buffer('passing', 16_384);
const BACK = 'the way back';
const OPEN = 'both ends are there';

/** What is made before anybody comes. */
export function readyForStreams(): Step[] {
  const stream = flags('SOCK_STREAM', 'SOCK_CLOEXEC');
  return [call('socket', [flags('AF_INET6'), stream, 0], 'to the container', { save: SERVER })];
}

/** Takes a connection from the door, if there is one, and makes the one to the container. */
export function takeStream({ ip, port }: Door, watched: Watched, index: number): Step[] {
  const next: Label = { name: 'the next door' };
  const name = socketAddress(ip, port);
  return [
    call(
      'accept4',
      [fdOf(watched, index), 0, 0, flags('SOCK_CLOEXEC')],
      `is somebody there for ${port}?`,
      { save: CLIENT, jump: { on: 'negative', to: next } },
    ),
    // For a minute after its end the kernel remembers a connection, and would keep the port for it.
    call(
      'setsockopt',
      [CLIENT, flags('SOL_SOCKET'), flags('SO_REUSEADDR'), ONE, 4],
      'ports are reused',
    ),
    sayBusy(),
    call('connect', [SERVER, bytes(name, `[${ip}]:${port}`), name.length], 'to the container'),
    jump(OPEN, 'it answers'),
    label(next, 'nobody is there'),
  ];
}

/** Two processes, each of which carries what one end says to the other. */
export function carryStreams(watched: Watched): Step[] {
  const pid = result('the other half');
  const { parent } = cloning(
    { flags: [], pid, pidfd: buffer('half', 8) },
    BACK,
    'for the way back',
  );
  return [
    label(OPEN, 'from here on there are two of us'),
    ...parent,
    ...carry(CLIENT, SERVER),
    // The other half dies with us, and may still have something to carry.
    call('wait4', [pid, 0, flags('__WALL'), 0], 'the answer may be longer', ANY),
    jump(END, 'both have said all'),
    ...orphaned(BACK, watched),
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
