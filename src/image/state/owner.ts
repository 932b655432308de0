import { readFileSync, readlinkSync } from 'node:fs';
import { startTimeOf } from '../../linux/proc/start-time.ts';

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
  return [bootId(), pidNamespace(), pid, startTimeOf(pid) ?? 'ended'].join(':') as Owner;
}

/**
 * Whether the owner is certainly gone: another boot, or no such process any more. An owner in
 * another pid namespace cannot be seen from here and counts as alive.
 */
export function isDead(owner: Owner): boolean {
  const [boot, namespace, pid, start] = owner.split(':');
  if (boot !== bootId()) return true;
  if (namespace !== pidNamespace()) return false;
  return startTimeOf(Number(pid)) !== start;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
}
