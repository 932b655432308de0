import type { Arch } from './arch.ts';
import { ERRNOS, type ErrnoName } from './errno.ts';
import { FLAGS, type FlagName } from './flags.ts';
import { SYSCALLS, type SyscallName } from './syscalls.ts';

/** The call's number on `arch`, or undefined where that architecture never had it. */
export function syscallNumber(name: SyscallName, arch: Arch): number | undefined {
  return SYSCALLS[name][arch === 'x86_64' ? 0 : 1] ?? undefined;
}

export function flagNumber(name: FlagName, arch: Arch): number {
  const number: number | readonly [number, number] = FLAGS[name];
  return typeof number === 'number' ? number : number[arch === 'x86_64' ? 0 : 1];
}

export function errnoNumber(name: ErrnoName): number {
  return ERRNOS[name][0];
}

/** `ENOENT` for 2; a number without a name is given as `errno 4711`. */
export function errnoName(number: number): ErrnoName | `errno ${number}` {
  return NAMES.get(number) ?? `errno ${number}`;
}

/** The kernel's own words for an errno: `No such file or directory`. */
export function errnoText(number: number): string {
  const name = NAMES.get(number);
  return name === undefined ? 'Unknown error' : ERRNOS[name][1];
}

const NAMES = new Map<number, ErrnoName>(
  Object.entries(ERRNOS).map(([name, [number]]) => [number, name as ErrnoName]),
);
