import { readFileSync } from 'node:fs';
import { ClocheError } from '../error.ts';
import { block, call, flags, int32, pointer, type Step } from './plan/index.ts';

/** The capabilities by their numbers. Source: capabilities(7), `linux/capability.h`. */
export const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

export type CapabilityName = (typeof CAPABILITIES)[number];

/** What docker gives a container that asks for nothing. */
export const DEFAULT_CAPABILITIES: readonly CapabilityName[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** Sets of capabilities by name, as the OCI config has them. */
export interface CapabilitySets {
  readonly bounding?: readonly string[] | undefined;
  readonly effective?: readonly string[] | undefined;
  readonly permitted?: readonly string[] | undefined;
  readonly inheritable?: readonly string[] | undefined;
  readonly ambient?: readonly string[] | undefined;
}

/** Steps, and what had to be left out because this machine does not allow it. */
export interface StepsWithWarnings {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

/** A set as a mask: bit n is capability n. @throws {ClocheError} `CAPABILITY_UNKNOWN` */
export function maskOf(names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(numberOf(name))), 0n);
}

/** A mask's names, by number; bits without a name are left out. */
export function namesOf(mask: bigint): CapabilityName[] {
  return CAPABILITIES.filter((_, i) => ((mask >> BigInt(i)) & 1n) === 1n);
}

/** The capabilities that this process may use, as the kernel has them at this moment. */
export function ownCapabilities(): bigint {
  const status = readFileSync('/proc/self/status', 'latin1');
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

/** The highest capability that the running kernel knows. */
export function lastCapability(): number {
  return Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'));
}

/**
 * Takes out of every set what `available` lacks, with a warning for each: a rootless engine cannot
 * give what it does not have, and neither can we; and what has no meaning here, since it may be of a
 * newer kernel. Ambient ones have to be permitted and inheritable;
 * configs that runc writes name some that are not.
 */
export function onlyAvailable(
  sets: CapabilitySets,
  available: bigint,
): { sets: Required<CapabilitySets>; warnings: string[] } {
  const [missing, unknown] = [new Set<string>(), new Set<string>()];
  const keep = (names: readonly string[] = []) =>
    names.filter((name) => {
      const isKnown = CAPABILITIES.includes(name as CapabilityName);
      if (!isKnown) unknown.add(name);
      if (!isKnown) return false;
      const has = ((available >> BigInt(numberOf(name))) & 1n) === 1n;
      if (!has) missing.add(name);
      return has;
    });
  const kept = {
    bounding: keep(sets.bounding),
    effective: keep(sets.effective),
    permitted: keep(sets.permitted),
    inheritable: keep(sets.inheritable),
    ambient: keep(sets.ambient),
  };
  const canBeAmbient = (name: string) =>
    kept.permitted.includes(name) && kept.inheritable.includes(name);
  const lost = kept.ambient.filter((name) => !canBeAmbient(name));
  const warnings = [
    ...[...missing].map((name) => `${name} is not ours to give, so the container lacks it`),
    ...[...unknown].map(
      (name) => `no capability '${name}' is known here, so the container lacks it`,
    ),
  ];
  if (lost.length > 0) warnings.push(`not inheritable, and so not ambient: ${lost.join(', ')}`);
  return { sets: { ...kept, ambient: kept.ambient.filter(canBeAmbient) }, warnings };
}

/** Drops every capability up to `last` from the bounding set but those of `keep`. Source: prctl(2). */
export function dropBoundingSteps(keep: readonly string[], last: number): Step[] {
  const kept = maskOf(keep);
  const dropped = Array.from({ length: last + 1 }, (_, i) => i).filter(
    (i) => ((kept >> BigInt(i)) & 1n) === 0n,
  );
  return dropped.map((i) =>
    call(
      'prctl',
      [flags('PR_CAPBSET_DROP'), i, 0, 0, 0],
      `no program in here shall ever get ${CAPABILITIES[i] ?? `capability ${i}`}`,
    ),
  );
}

/**
 * Sets the process's own capabilities, then the ambient ones, which must be permitted and
 * inheritable by then. Source: capset(2), capabilities(7).
 */
export function setCapabilitySteps(sets: CapabilitySets): Step[] {
  const [effective, permitted, inheritable] = [
    sets.effective,
    sets.permitted,
    sets.inheritable,
  ].map((names) => maskOf(names ?? []));
  const header = block('header', [int32(0x20080522, 0)], { shown: '{version 3, this process}' });
  const low = (mask = 0n) => Number(BigInt.asIntN(32, mask));
  const high = (mask = 0n) => Number(BigInt.asIntN(32, mask >> 32n));
  const data = block(
    'sets',
    [
      int32(low(effective), low(permitted), low(inheritable)),
      int32(high(effective), high(permitted), high(inheritable)),
    ],
    {
      shown: `{effective=${hex(effective)}, permitted=${hex(permitted)}, inheritable=${hex(inheritable)}}`,
    },
  );
  return [
    call('capset', [pointer(header), pointer(data)], 'keep these capabilities and no others'),
    ...(sets.ambient ?? []).map((name) =>
      call(
        'prctl',
        [flags('PR_CAP_AMBIENT'), flags('PR_CAP_AMBIENT_RAISE'), numberOf(name), 0, 0],
        `programs of an ordinary user keep ${name}`,
      ),
    ),
  ];
}

/** For names that a person has typed. @throws {ClocheError} `CAPABILITY_UNKNOWN` */
export function requireCapability(name: string): void {
  numberOf(name);
}

function numberOf(name: string): number {
  const number = CAPABILITIES.indexOf(name as CapabilityName);
  if (number < 0)
    throw new ClocheError('CAPABILITY_UNKNOWN', `unknown capability '${name}'`, {
      class: 'invalid-argument',
      hint: 'names look like CAP_NET_ADMIN; capabilities(7) lists them',
    });
  return number;
}

function hex(mask = 0n): string {
  return `0x${mask.toString(16)}`;
}
