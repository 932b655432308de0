import { type IpAddress, maskOf, networkOf, parseIp } from './address.ts';
import {
  addressIn,
  type Expression,
  interfaceIs,
  isAnswer,
  isPublished,
  masquerade,
  verdict,
} from './expressions.ts';
import { type BaseChain, type Change, freshTable, newChain, newRule } from './nftables.ts';
import { publishedMap, publishedRules } from './published.ts';
import type { InterfaceAddress } from './route.ts';

/** A bridge whose containers reach the world with the host's address. */
export interface NatBridge extends InterfaceAddress {
  /** The bridge's name; `address` is its own in the containers' network, of IPv4 or IPv6. */
  readonly name: string;
  /** The nftables table that holds its rules, ours alone; the bridge's name if not given. */
  readonly table?: string | undefined;
}

/**
 * The rules of a bridge with NAT, as one batch that replaces what stood there:
 *
 * ```text
 * table ip cloche0 {
 *   map published { … }
 *   chain guard { type filter hook prerouting priority -300; policy accept;
 *     iifname "cloche0" ip daddr 127.0.0.0/8 drop
 *   }
 *   chain prerouting { type nat hook prerouting priority -100; policy accept; … published … }
 *   chain output { type nat hook output priority -100; policy accept; … published … }
 *   chain forward { type filter hook forward priority 0; policy accept;
 *     iifname "cloche0" accept
 *     oifname "cloche0" ct state established,related accept
 *     oifname "cloche0" ct status dnat accept
 *     oifname "cloche0" drop
 *   }
 *   chain postrouting { type nat hook postrouting priority 100; policy accept;
 *     ip saddr 10.88.0.0/16 oifname != "cloche0" masquerade
 *     ip saddr 10.88.0.0/16 oifname "cloche0" ct status dnat masquerade
 *     ip saddr 127.0.0.0/8 oifname "cloche0" masquerade
 *   }
 * }
 * ```
 *
 * The drop at the end of `forward` keeps hosts that route to us from reaching containers that publish
 * nothing. It is final, whereas an accept holds for this table alone: see `forward.ts`. The guard is
 * the price of reaching published ports by `localhost`: see `enableLocalhost()` and CVE-2020-8558.
 *
 * @throws {ClocheError} `ADDRESS_INVALID`
 */
export function natChanges(bridge: NatBridge): Change[] {
  const table = tableOf(bridge);
  const { version } = parseIp(bridge.address);
  const chains = chainsOf(bridge, version);
  return [
    ...freshTable(table),
    publishedMap(table, version),
    ...chains.map(({ rules: _, ...chain }) => newChain({ table, policy: 'accept', ...chain })),
    ...chains.flatMap(({ name, rules }) =>
      rules.map((expressions) => newRule({ table, chain: name, expressions }, 'end')),
    ),
  ];
}

/** Which table is the bridge's. */
export function tableOf({ name, table }: Pick<NatBridge, 'name' | 'table'>): string {
  return table ?? name;
}

interface ChainOf extends Pick<BaseChain, 'name' | 'type' | 'hook' | 'priority'> {
  readonly rules: readonly Expression[][];
}

function chainsOf(bridge: NatBridge, version: IpAddress['version']): ChainOf[] {
  const published = publishedRules(version);
  // Packets from ::1 cannot leave the loopback, so they are not sent astray.
  const outgoing =
    version === 4 ? published : published.map((rule) => [...notToLoopback(), ...rule]);
  return [
    ...(version === 4 ? [guard(bridge)] : []),
    { name: 'prerouting', type: 'nat', hook: 'prerouting', priority: -100, rules: published },
    { name: 'output', type: 'nat', hook: 'output', priority: -100, rules: outgoing },
    forward(bridge),
    postrouting(bridge, version),
  ];
}

function guard({ name }: NatBridge): ChainOf {
  const rule = [
    ...interfaceIs('in', name),
    ...addressIn('destination', ...LOCALHOST),
    verdict('drop'),
  ];
  return { name: 'guard', type: 'filter', hook: 'prerouting', priority: -300, rules: [rule] };
}

function forward({ name }: NatBridge): ChainOf {
  const into = interfaceIs('out', name);
  const rules = [
    [...interfaceIs('in', name), verdict('accept')],
    [...into, ...isAnswer(), verdict('accept')],
    [...into, ...isPublished(), verdict('accept')],
    [...into, verdict('drop')],
  ];
  return { name: 'forward', type: 'filter', hook: 'forward', priority: 0, rules };
}

/** Also what comes back into the bridge gets our address: the answer has to take the same way. */
function postrouting({ name, address, prefix }: NatBridge, version: IpAddress['version']): ChainOf {
  const ip = parseIp(address);
  const own = addressIn('source', networkOf(ip, prefix), maskOf(ip, prefix));
  const into = interfaceIs('out', name);
  const rules = [
    [...own, ...interfaceIs('out', name, '!='), masquerade()],
    [...own, ...into, ...isPublished(), masquerade()],
    ...(version === 4 ? [[...addressIn('source', ...LOCALHOST), ...into, masquerade()]] : []),
  ];
  return { name: 'postrouting', type: 'nat', hook: 'postrouting', priority: 100, rules };
}

function notToLoopback(): Expression[] {
  const loopback = Uint8Array.of(...Array(15).fill(0), 1);
  return addressIn('destination', loopback, new Uint8Array(16).fill(0xff), '!=');
}

/** 127.0.0.0/8, and its mask. */
const LOCALHOST = [Uint8Array.of(127, 0, 0, 0), Uint8Array.of(255, 0, 0, 0)] as const;
