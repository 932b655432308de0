import { PLAN_BASE, PLAN_MAX } from '../../plan/format.ts';
import {
  type Block,
  block,
  buffer,
  bytes,
  call,
  flags,
  int32,
  type Label,
  pointer,
  type Step,
  type Value,
  value,
} from '../../plan/index.ts';
import { PLAN_FD } from '../../walker/program.ts';

/** What all processes of the proxy have in common: how each begins, and how it learns that it is over. */

/** A port that is listened on: the socket that holds it, and where it leads to. */
export interface Door {
  readonly protocol: 'tcp' | 'udp';
  readonly socket: Value;
  readonly hostPort: number;
  /** An address of IPv6. */
  readonly ip: string;
  readonly port: number;
}

/** What a process waits for: all doors, and the shim's end behind them. A `struct pollfd` for each. */
export interface Watched {
  readonly block: Block;
  readonly doors: number;
}

export function watchedBy(doors: readonly Door[]): Watched {
  const all = [...doors.map(() => int32(-1, POLLIN)), int32(-1, NOTHING)];
  return { block: block('doors', all), doors: doors.length };
}

export const fdOf = ({ block }: Watched, index: number): Value => value(block, index * 8, 'i32');

/** The end of a pipe whose other end the shim holds. */
export const shimIn = (watched: Watched): Value => fdOf(watched, watched.doors);

/** What is waited for; an end that nobody reads from any more is said in any case. */
export const [POLLIN, NOTHING] = [1, 0];
export const END = 'the proxy ends';
export const ANY = { tolerate: 'any' } as const;
/** An option that is switched on. */
export const ONE = bytes(int32(1), '[1]');
export const WORD = buffer('served word', 8);
const PIPE = buffer('served', 8);
/** On it a process says that it is busy, and the first of all that it has heard that. */
export const [HEARS_OF, SAYS] = [value(PIPE, 0, 'i32'), value(PIPE, 4, 'i32')];
const FIRST = buffer('first', 8);
const [LIVES, HOLDS] = [value(FIRST, 0, 'i32'), value(FIRST, 4, 'i32')];
const FIRST_WATCHED = block('the first of all', [int32(-1, NOTHING)]);

/** In the first of all, which alone keeps one end of the second. */
export function makePipes(): Step[] {
  return [
    call('pipe2', [pointer(PIPE), flags('O_CLOEXEC')], 'on which is said that one is busy'),
    call('pipe2', [pointer(FIRST), flags('O_CLOEXEC')], 'by which the others see this one end'),
    call('value', [LIVES], 'is watched', { save: value(FIRST_WATCHED, 0, 'i32') }),
  ];
}

export const sayBusy = (): Step =>
  call('write', [SAYS, bytes(Uint8Array.of(1), '"1"'), 1], 'we are busy');

export const dieWithParent = (why: string, here: Label): Step =>
  call('prctl', [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0], why, { label: here });

/** From here on nothing that is saved is seen by the shim. */
export const ownMemory = (): Step =>
  call(
    'mmap',
    [
      PLAN_BASE,
      PLAN_MAX,
      flags('PROT_READ', 'PROT_WRITE'),
      flags('MAP_PRIVATE', 'MAP_FIXED'),
      PLAN_FD,
      0,
    ],
    'the plan once more, for us alone',
  );

/** For whoever is made by the first of all: that end is not his, either. */
export const letGoOfFirst = (): Step =>
  call('close', [HOLDS], 'by that end the first of all is seen', ANY);

/** The first steps of a process that shall not outlive who made it, nor be there when that is gone already. */
export function orphaned(here: Label, watched: Watched, letGo: readonly Step[] = []): Step[] {
  const gone = { jump: { on: 'positive', to: END } } as const;
  return [
    dieWithParent('nobody serves without a shim', here),
    ...letGo,
    // Whoever was ended between making us and that call has not taken us along.
    call('ppoll', [pointer(FIRST_WATCHED), 1, NOW, 0, 0], 'is the first still there?', gone),
    isShimGone(watched),
  ];
}

export function isShimGone({ block, doors }: Watched): Step {
  return call('ppoll', [pointer(block, doors * 8), 1, NOW, 0, 0], 'is the shim still there?', {
    jump: { on: 'positive', to: END },
  });
}

const NOW = pointer(block('at once', [0, 0], { shown: '{0}' }));
