import { existsSync } from 'node:fs';
import type { NatBridge } from '../../linux/netlink/index.ts';

/** The network of containers that ask for none: a bridge with NAT behind the host's addresses. */
export const BRIDGE = {
  4: { name: 'cloche0', address: '10.88.0.1', prefix: 16 },
  6: { name: 'cloche0', address: 'fd63:6c6f:6368:65::1', prefix: 64 },
} as const satisfies Record<4 | 6, NatBridge>;
/** The bridge's name, and that of its nftables tables. */
export const BRIDGE_NAME = BRIDGE[4].name;

/** Whether it is there. It is made when it is first needed, and stays, as docker's does. */
export function isBridgeThere(): boolean {
  return isLinkThere(BRIDGE_NAME);
}

/** Not by /sys/class/net, which shows the network namespace in which it was mounted. */
export function isLinkThere(name: string): boolean {
  return existsSync(`/proc/sys/net/ipv4/conf/${name}`);
}
