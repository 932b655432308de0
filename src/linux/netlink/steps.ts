import type { ErrnoName } from '../abi/errno.ts';
import type { FlagName } from '../abi/flags.ts';
import {
  type Block,
  block,
  buffer,
  call,
  flags,
  type Label,
  pointer,
  result,
  type Step,
  type Value,
  value,
} from '../plan/index.ts';
import { type Chunk, cstring, HEADER_SIZE } from './message.ts';

/** One question to the kernel, and what is thought of the answer. */
export interface Request {
  /** Short, as `explain` and an error show it: `new bridge`. */
  readonly name: string;
  readonly message: Chunk;
  readonly why: string;
  /** Errnos of the answer that are no failure. */
  readonly tolerate?: readonly ErrnoName[] | 'any' | undefined;
  /** Where the errno of the answer goes, if it is tolerated; 0 for a yes. */
  readonly save?: Value | undefined;
}

/**
 * A socket, what is done with it, and its end. It speaks to the network namespace in which the
 * process is when it opens the socket. Source: netlink(7).
 */
export function conversation(
  protocol: Extract<FlagName, `NETLINK_${string}`>,
  talk: (socket: Value) => readonly Step[],
): Step[] {
  const socket = result('netlink');
  return [
    call(
      'socket',
      [flags('AF_NETLINK'), flags('SOCK_RAW', 'SOCK_CLOEXEC'), flags(protocol)],
      'the kernel listens to messages about its network',
      { save: socket },
    ),
    ...talk(socket),
    call('close', [socket], 'all is said', { pause: false }),
  ];
}

/**
 * Sends a message that wants an acknowledgement, and makes the errno in the acknowledgement the
 * result of a step: a refusal is a failure like that of any system call.
 *
 * Of several messages in a row, as nfnetlink takes them, the last one alone may ask for an
 * acknowledgement; the kernel answers a message that fails in any case, and before that.
 */
export function requestSteps(
  socket: Value,
  { name, message, why, tolerate, save }: Request,
): Step[] {
  const answer = buffer(`answer to '${name}'`, ANSWER_SIZE);
  return [
    ...exchangeSteps(socket, { name, message, why }, answer),
    call('value', [value(answer, HEADER_SIZE, 'i32')], why, { pause: false, tolerate, save }),
  ];
}

/**
 * Asks nfnetlink for something, and goes on at `nothing` where the answer is an error. Else it is what was
 * asked for, whose first word may look like any errno: in it stands how often the rules have changed. So
 * the kind of the answer is looked at; its upper byte is the subsystem, and none of an error.
 */
export function questionSteps(
  socket: Value,
  question: Pick<Request, 'name' | 'message' | 'why'>,
  nothing: Label,
): Step[] {
  const answer = buffer(`answer to '${question.name}'`, ANSWER_SIZE);
  const kind = buffer('its kind', 16);
  return [
    ...exchangeSteps(socket, question, answer),
    call('value', [value(answer, TYPE_AT, 'i32')], 'what kind of answer is it?', {
      pause: false,
      tolerate: 'any',
      save: value(kind, 0),
    }),
    call('value', [value(kind, 1, 'i32')], question.why, {
      pause: false,
      tolerate: 'any',
      jump: { on: 'zero', to: nothing },
    }),
  ];
}

function exchangeSteps(
  socket: Value,
  { name, message, why }: Pick<Request, 'name' | 'message' | 'why'>,
  answer: Block,
): Step[] {
  const request = block(name, [message.bytes]);
  return [
    ...fillSteps(request, message),
    call('sendto', [socket, pointer(request), message.bytes.length, 0, 0, 0], why),
    call(
      'recvfrom',
      [socket, pointer(answer), ANSWER_SIZE, 0, 0, 0],
      'what the kernel says to it',
      {
        pause: false,
      },
    ),
  ];
}

/**
 * Looks up the index of an interface, into `index`. Errors: ENODEV.
 * Source: netdevice(7): an ifreq is 16 bytes of name and a union, 40 bytes together.
 */
export function indexSteps(socket: Value, name: string, index: Value): Step[] {
  const padded = new Uint8Array(IFREQ_SIZE);
  padded.set(cstring(name).bytes);
  const ifreq = block(`${name} in an ifreq`, [padded]);
  return [
    call('ioctl', [socket, flags('SIOCGIFINDEX'), pointer(ifreq)], `which number has ${name}?`),
    call('value', [value(ifreq, 16, 'i32')], 'this one', { save: index, pause: false }),
  ];
}

/** Bytes that are read of an answer: header, errno, the request's header. The rest is let go. */
const ANSWER_SIZE = 36;
/** Where a message says what kind it is, 16 bits, and then its flags. */
const TYPE_AT = 4;
const IFREQ_SIZE = 40;

/** Puts the numbers that are known only now into the message. */
function fillSteps(request: Block, { holes }: Chunk): Step[] {
  return holes.map(({ at, from }) =>
    call('value', [from], `into the request '${request.name}'`, {
      save: value(request, at, 'i32'),
      pause: false,
    }),
  );
}
