import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import type { IpAddress } from './address.ts';

/** What has to be switched on in this network namespace before a bridge is of use. */

/**
 * Lets this host pass packets on between its interfaces. With IPv6 a host that does so no longer
 * listens to routers, so those interfaces that did are told to go on with it.
 *
 * @throws {ClocheError} `FORWARDING_OFF`: it does not, and that cannot be changed from here.
 */
export function enableForwarding(version: IpAddress['version'] = 4): void {
  if (version === 4) {
    switchOn('/proc/sys/net/ipv4/ip_forward');
    return;
  }
  for (const name of readdirSync(IPV6)) {
    const listens = join(IPV6, name, 'accept_ra');
    if (name !== 'all' && readFileSync(listens, 'utf8').trim() === '1') writeFileSync(listens, '2');
  }
  switchOn(join(IPV6, 'all', 'forwarding'));
}

/**
 * Lets packets from 127.0.0.1 be routed through the bridge, so that its published ports are reached
 * by `localhost`. Packets from the bridge to 127.0.0.1 are dropped: the guard in `nat.ts`.
 *
 * @throws {ClocheError} `FORWARDING_OFF`
 */
export function enableLocalhost(bridge: string): void {
  switchOn(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`);
}

/**
 * Lets the bridge use its link-local address at once: without it nobody is asked for their neighbours,
 * and for two seconds no packet of IPv6 would find its container. Addresses here are handed out by us.
 */
export function skipDuplicateDetection(bridge: string): void {
  writeFileSync(join(IPV6, bridge, 'accept_dad'), '0');
}

/** Whether this kernel and this host speak IPv6. */
export function hasIpv6(): boolean {
  try {
    return readFileSync(join(IPV6, 'all', 'disable_ipv6'), 'utf8').trim() === '0';
  } catch {
    return false;
  }
}

function switchOn(path: string): void {
  if (readFileSync(path, 'utf8').trim() === '1') return;
  try {
    writeFileSync(path, '1');
  } catch (cause) {
    throw new ClocheError('FORWARDING_OFF', `cannot switch '${path}' on`, {
      class: 'unavailable',
      hint: `is /proc/sys read-only here? On the host: sysctl -w ${nameOf(path)}=1. --network host does without.`,
      cause,
    });
  }
}

/** `net.ipv4.ip_forward` */
function nameOf(path: string): string {
  return path.slice('/proc/sys/'.length).replaceAll('/', '.');
}

const IPV6 = '/proc/sys/net/ipv6/conf';
