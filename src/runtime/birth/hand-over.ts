import {
  type Block,
  block,
  call,
  flags,
  int32,
  pointer,
  result,
  type Step,
  type Value,
  value,
} from '../../linux/plan/index.ts';

/** `sockaddr_un`: family, path, NUL. */
const ADDRESS_SIZE = 110;
/** The longest path of a socket, in bytes. */
export const PATH_MAX = ADDRESS_SIZE - 3;

/** What is said together with a descriptor. */
export interface Message {
  /** Who gets them. */
  readonly to: string;
  readonly text: Block;
  readonly length: Value | number;
}

/** The name of a terminal's other end, as runc says it. */
const TERMINAL: Message = {
  to: 'who asked for the terminal',
  text: block('name', [new TextEncoder().encode('/dev/ptmx')]),
  length: 9,
};

/**
 * Sends a descriptor, a terminal's master for instance, to whoever listens at `path`, in a message of the kind
 * SCM_RIGHTS, and lets go of it. Source: unix(7), cmsg(3), runc's `docs/terminals.md`.
 *
 * @throws {RangeError} the path is longer than a socket's address.
 */
export function handOver(fd: Value, path: string, message = TERMINAL): Step[] {
  const name = new TextEncoder().encode(path);
  if (name.length > PATH_MAX) throw new RangeError(`socket path '${path}' is too long`);
  const address = block('address', [Uint8Array.of(1, 0), name], {
    size: ADDRESS_SIZE,
    shown: JSON.stringify(path),
  });
  const socket = result('asker');
  return [
    call(
      'socket',
      [flags('AF_UNIX'), flags('SOCK_STREAM', 'SOCK_CLOEXEC'), 0],
      `to ${message.to}`,
      {
        save: socket,
      },
    ),
    call('connect', [socket, pointer(address), ADDRESS_SIZE], message.to),
    ...send(socket, fd, message),
    call('close', [fd], 'it is theirs now'),
    call('close', [socket], 'done'),
  ];
}

/** Sends a descriptor over a connected unix socket. */
export function send(socket: Value, fd: Value, said = TERMINAL): Step[] {
  const { message, descriptor, length } = withDescriptor(said);
  return [
    ...(typeof said.length === 'number'
      ? []
      : [call('value', [said.length], 'how much is said with it', { save: length })]),
    call('value', [fd], 'which descriptor to send', { save: descriptor }),
    call(
      'sendmsg',
      [socket, pointer(message), flags('MSG_NOSIGNAL')],
      'the thing itself, not its name',
    ),
  ];
}

/** The other side of `send`: `save` becomes a descriptor of the same. -1 is none, and no call takes it. */
export function receive(socket: Value, save: Value): Step[] {
  const { message, descriptor } = withDescriptor(TERMINAL);
  const cloexec = 0x4000_0000;
  return [
    call('recvmsg', [socket, pointer(message), cloexec], 'its other end, which it sends us'),
    call('value', [descriptor], 'it is ours now', { save }),
  ];
}

/** A `msghdr` with what is said, and room for one descriptor. */
function withDescriptor({ text, length }: Message) {
  const vector = block('vector', [pointer(text), typeof length === 'number' ? length : 0]);
  // cmsghdr: length 20, SOL_SOCKET, SCM_RIGHTS; then the descriptor.
  const control = block('control', [20, int32(1, 1), int32(-1, 0)]);
  const message = block('message', [0, 0, pointer(vector), 1, pointer(control), 24, 0]);
  return { message, descriptor: value(control, 16, 'i32'), length: value(vector, 8) };
}
