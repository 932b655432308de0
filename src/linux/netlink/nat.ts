import { ClocheError } from '../../error.ts';
import { maskOf, networkOf, parseIp } from './address.ts';
import {
  interfaceIs,
  isAnswer,
  isPublished,
  masquerade,
  sourceIn,
  verdict,
} from './expressions.ts';
import { type Change, freshTable, newChain, newRule } from './nftables.ts';
import type { InterfaceAddress } from './route.ts';

/** A bridge whose containers reach the world with the host's address. */
export interface NatBridge extends InterfaceAddress {
  /** The bridge's name; `address` is its own, IPv4, in the containers' network. */
  readonly name: string;
  /** The nftables table of IPv4 that holds its rules, ours alone; the bridge's name if not given. */
  readonly table?: string | undefined;
}

/**
 * The rules of a bridge with NAT, as one batch that replaces what stood there:
 *
 * ```text
 * table ip cloche0 {
 *   chain postrouting { type nat hook postrouting priority 100; policy accept;
 *     ip saddr 10.88.0.0/16 oifname != "cloche0" masquerade
 *   }
 *   chain forward { type filter hook forward priority 0; policy accept;
 *     iifname "cloche0" accept
 *     oifname "cloche0" ct state established,related accept
 *     oifname "cloche0" ct status dnat accept
 *     oifname "cloche0" drop
 *   }
 * }
 * ```
 *
 * The drop keeps hosts that route to us from reaching containers that publish nothing. It is final,
 * whereas an accept holds for this table alone: see `forward.ts`.
 *
 * @throws {ClocheError} `ADDRESS_INVALID`: the address is not of IPv4.
 */
export function natChanges(bridge: NatBridge): Change[] {
  const { name, prefix } = bridge;
  const table = tableOf(bridge);
  const ip = parseIp(bridge.address);
  if (ip.version !== 4) throw notIpv4(bridge);
  const into = interfaceIs('out', name);
  const forward = [
    [...interfaceIs('in', name), verdict('accept')],
    [...into, ...isAnswer(), verdict('accept')],
    [...into, ...isPublished(), verdict('accept')],
    [...into, verdict('drop')],
  ];
  return [
    ...freshTable(table),
    newChain({
      table,
      name: 'postrouting',
      type: 'nat',
      hook: 'postrouting',
      priority: 100,
      policy: 'accept',
    }),
    newChain({
      table,
      name: 'forward',
      type: 'filter',
      hook: 'forward',
      priority: 0,
      policy: 'accept',
    }),
    newRule(
      {
        table,
        chain: 'postrouting',
        expressions: [
          ...sourceIn(networkOf(ip, prefix), maskOf(ip, prefix)),
          ...interfaceIs('out', name, '!='),
          masquerade(),
        ],
      },
      'end',
    ),
    ...forward.map((expressions) => newRule({ table, chain: 'forward', expressions }, 'end')),
  ];
}

/** Which table is the bridge's. */
export function tableOf({ name, table }: Pick<NatBridge, 'name' | 'table'>): string {
  return table ?? name;
}

function notIpv4({ name, address }: NatBridge): ClocheError {
  return new ClocheError('ADDRESS_INVALID', `the address '${address}' of ${name} is not IPv4`, {
    class: 'invalid-argument',
    hint: 'A bridge with NAT has an address of IPv4, such as 10.88.0.1/16.',
  });
}
