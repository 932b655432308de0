import { CONTROL_FD } from '../../linux/launch.ts';
import {
  buffer,
  bytes,
  call,
  flags,
  PLAN_HEADER,
  pointer,
  type Step,
  value,
} from '../../linux/plan/index.ts';
import { INIT_FAILED, type Pair, SHIM_FAILED } from './shim.ts';

/**
 * How the shim and its child talk, over a pair of sockets, a byte a word; and what the shim says to whoever has
 * started it. A word that does not come, since the other has ended, leads to where failures go.
 */

/** Waits for a word of the child. When it says nothing and ends, go where failures go. */
export function hear({ sockets }: Pair, why: string): Step[] {
  return [
    call('read', [value(sockets, 0, 'i32'), pointer(buffer('word', 8)), 1], why, {
      jump: { on: 'zero', to: SHIM_FAILED },
    }),
    failedMeanwhile(),
  ];
}

/** Says the child one word. */
export function say({ sockets }: Pair, why: string): Step {
  return call(
    'sendto',
    [value(sockets, 0, 'i32'), bytes(Uint8Array.of(103), '"g"'), 1, flags('MSG_NOSIGNAL'), 0, 0],
    why,
  );
}

/** Waits until the child's end of the socket is closed: it has executed its program, or it died. */
export function hearTheEnd({ sockets }: Pair, why: string): Step[] {
  return [
    call('read', [value(sockets, 0, 'i32'), pointer(buffer('word', 8)), 1], why, {
      jump: { on: 'positive', to: SHIM_FAILED },
    }),
    failedMeanwhile(),
  ];
}

/** Both halves share the plan's memory, so the shim sees a failure that init has met. */
function failedMeanwhile(): Step {
  return call('value', [value(PLAN_HEADER, 16)], 'has it failed on its way?', {
    tolerate: 'any',
    jump: { on: 'positive', to: SHIM_FAILED },
  });
}

/** Tells whoever started the shim how far it is. That may have died meanwhile, which is no failure. */
export function report(word: 'n' | 'l' | 'c' | 's' | 'o', why: string): Step {
  const byte = bytes(new TextEncoder().encode(word), JSON.stringify(word));
  return call('sendto', [CONTROL_FD, byte, 1, flags('MSG_NOSIGNAL'), 0, 0], why, {
    tolerate: 'any',
  });
}

/**
 * In the child: ends it if the shim has died before the child asked for its death signal, of which the
 * kernel tells nobody any more. A dead process's sockets are closed before its children hear of it.
 */
export function isShimThere({ sockets }: Pair): Step {
  const peek = flags('MSG_PEEK', 'MSG_DONTWAIT');
  return call(
    'recvfrom',
    [value(sockets, 4, 'i32'), pointer(buffer('word', 8)), 1, peek, 0, 0],
    'is the shim still there? The end of the socket would say no',
    // EAGAIN: it is. Others: a filter of the config's own, which is loaded by now, forbids the question.
    { tolerate: 'any', jump: { on: 'zero', to: INIT_FAILED } },
  );
}

/** In the child: says a word, and waits until the shim has done its part. */
export function meet({ sockets }: Pair, say: string, hear: string): Step[] {
  const end = value(sockets, 4, 'i32');
  return [
    call('write', [end, bytes(Uint8Array.of(110), '"n"'), 1], say),
    call('read', [end, pointer(buffer('word', 8)), 1], hear, {
      jump: { on: 'zero', to: INIT_FAILED },
    }),
  ];
}
