import type { Arch } from '../abi/arch.ts';
import { syscallNumber } from '../abi/numbers.ts';
import { SYSCALLS, type SyscallName } from '../abi/syscalls.ts';
import { I386_SYSCALLS } from './i386.ts';
import type { Policy } from './policy.ts';

const AUDIT_ARCH: Record<Arch, number> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };
const AUDIT_ARCH_I386 = 0x40000003;

/** A set of numbers for calls, as the kernel tells it apart. */
export interface Abi {
  /** AUDIT_ARCH_* */
  readonly audit: number;
  /** The highest number of a call that we know by name. */
  readonly newest: number;
  numberOf(name: string): number | undefined;
}

/** Those that a policy decides on: the machine's own, and i386 beside x86-64 where it is listed. */
export function abisOf({ architectures = [] }: Policy, arch: Arch): Abi[] {
  const column = arch === 'x86_64' ? 0 : 1;
  const native: Abi = {
    audit: AUDIT_ARCH[arch],
    newest: Object.values(SYSCALLS).reduce((most, pair) => Math.max(most, pair[column] ?? 0), 0),
    numberOf: (name) =>
      Object.hasOwn(SYSCALLS, name) ? syscallNumber(name as SyscallName, arch) : undefined,
  };
  const i386: Abi = {
    audit: AUDIT_ARCH_I386,
    newest: Math.max(...I386_SYSCALLS.values()),
    numberOf: (name) => I386_SYSCALLS.get(name),
  };
  return arch === 'x86_64' && architectures.includes('SCMP_ARCH_X86') ? [native, i386] : [native];
}

/** Names that are no call of any architecture that we know. */
export function unknownIn(policy: Policy): string[] {
  const names = new Set((policy.syscalls ?? []).flatMap((rule) => rule.names));
  const isKnown = (name: string) => Object.hasOwn(SYSCALLS, name) || I386_SYSCALLS.has(name);
  return [...names].filter((name) => !isKnown(name));
}
