import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Who works at something in the state directory, so that others can tell whether they still live:
 * `boot:pid namespace:pid:start time`. A pid alone would be reused one day.
 */
export type Owner = string & { readonly __owner: never };

let self: Owner | undefined;

/** This process. */
export function ownOwner(): Owner {
  self ??= ownerAt(process.pid);
  return self;
}

/** The process that has this pid now, in our pid namespace; one that has ended is dead for good. */
export function ownerAt(pid: number): Owner {
  return [bootId(), pidNamespace(), pid, startTime(pid) ?? 'ended'].join(':') as Owner;
}

/**
 * Whether the owner is certainly gone: another boot, or no such process any more. An owner in
 * another pid namespace cannot be seen from here and counts as alive.
 */
export function isDead(owner: Owner): boolean {
  const [boot, namespace, pid, start] = owner.split(':');
  if (boot !== bootId()) return true;
  if (namespace !== pidNamespace()) return false;
  return startTime(Number(pid)) !== start;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
}

/** Clock ticks after boot, field 22 of `/proc/PID/stat`; undefined without such a process, or a zombie. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything, so count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
