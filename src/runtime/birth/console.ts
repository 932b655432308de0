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

/**
 * Sends the terminal's master to whoever listens at `path`, in a message of the kind SCM_RIGHTS, and
 * lets go of it. Source: unix(7), cmsg(3), runc's `docs/terminals.md`.
 *
 * @throws {RangeError} the path is longer than a socket's address.
 */
export function handOver(master: Value, path: string): Step[] {
  const name = new TextEncoder().encode(path);
  if (name.length > ADDRESS_SIZE - 3) throw new RangeError(`socket path '${path}' is too long`);
  const address = block('address', [Uint8Array.of(1, 0), name], {
    size: ADDRESS_SIZE,
    shown: JSON.stringify(path),
  });
  const socket = result('console');
  return [
    call(
      'socket',
      [flags('AF_UNIX'), flags('SOCK_STREAM', 'SOCK_CLOEXEC'), 0],
      'to who asked for the terminal',
      {
        save: socket,
      },
    ),
    call('connect', [socket, pointer(address), ADDRESS_SIZE], 'who listens there gets it'),
    ...send(socket, master),
    call('close', [master], 'it is theirs now'),
    call('close', [socket], 'done'),
  ];
}

/** Sends a terminal's master over a connected unix socket. */
export function send(socket: Value, master: Value): Step[] {
  const { message, descriptor } = withDescriptor();
  return [
    call('value', [master], 'which descriptor to send', { save: descriptor }),
    call(
      'sendmsg',
      [socket, pointer(message), flags('MSG_NOSIGNAL')],
      'the terminal itself, not its name',
    ),
  ];
}

/** The other side of `send`: `save` becomes a descriptor of the same terminal. -1 is none, and no call takes it. */
export function receive(socket: Value, save: Value): Step[] {
  const { message, descriptor } = withDescriptor();
  const cloexec = 0x4000_0000;
  return [
    call('recvmsg', [socket, pointer(message), cloexec], 'its other end, which it sends us'),
    call('value', [descriptor], 'it is ours now', { save }),
  ];
}

/** A `msghdr` with a name, nine bytes, and room for one descriptor. */
function withDescriptor(): { readonly message: Block; readonly descriptor: Value } {
  const text = block('name', [new TextEncoder().encode('/dev/ptmx')]);
  const vector = block('vector', [pointer(text), 9]);
  // cmsghdr: length 20, SOL_SOCKET, SCM_RIGHTS; then the descriptor.
  const control = block('control', [20, int32(1, 1), int32(-1, 0)]);
  const message = block('message', [0, 0, pointer(vector), 1, pointer(control), 24, 0]);
  return { message, descriptor: value(control, 16, 'i32') };
}
