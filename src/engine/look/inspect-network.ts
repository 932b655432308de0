import { readFileSync } from 'node:fs';
import { configOf, type Image } from '../../image/index.ts';
import { macOf } from '../../linux/netlink/address.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import type { Container } from '../life/records.ts';
import { addressOf } from '../network/attach.ts';
import { BRIDGE } from '../network/bridge.ts';
import { containerSide, exposedPorts } from '../ports/index.ts';

/** What docker's `container inspect` says of a container's network; of one that does not run, nothing. */
export function networkShape(engine: Engine, container: Container) {
  const { network } = container.options;
  const endpoint = endpointShape(engine, container);
  return {
    SandboxKey: isAlive(container) ? `/proc/${container.pid}/ns/net` : '',
    Ports: portsShape(engine, container),
    ...endpoint,
    Networks: { [network]: endpoint },
  };
}

function endpointShape(engine: Engine, container: Container) {
  const address = isAlive(container) ? addressOf(engine, container.id) : undefined;
  const global = address === undefined ? undefined : globalAddressOf(container.pid);
  return {
    MacAddress: address === undefined ? '' : macOf(address),
    Gateway: address === undefined ? '' : BRIDGE[4].address,
    IPAddress: address ?? '',
    IPPrefixLen: address === undefined ? 0 : BRIDGE[4].prefix,
    IPv6Gateway: global === undefined ? '' : BRIDGE[6].address,
    GlobalIPv6Address: global?.address ?? '',
    GlobalIPv6PrefixLen: global?.prefix ?? 0,
  };
}

/** The address of IPv6 that its interface has, if any. Source: `if6_seq_show` in net/ipv6/addrconf.c. */
function globalAddressOf(pid: number | undefined) {
  for (const line of textOf(`/proc/${pid}/net/if_inet6`).split('\n')) {
    const [digits = '', , prefix = '', scope, , name] = line.trim().split(/\s+/);
    if (scope !== '00' || name === 'lo') continue;
    const groups = digits.match(/.{4}/g) ?? [];
    return {
      address: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1),
      prefix: Number.parseInt(prefix, 16),
    };
  }
  return undefined;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended just now, or the kernel knows no IPv6.
    return '';
  }
}

/** What is exposed has null until it is published. */
function portsShape(engine: Engine, container: Container) {
  if (!isAlive(container)) return {};
  const { config } = configOf(engine.store, { id: container.imageId as Image['id'] });
  const exposed = exposedPorts(container.options, config).map((port) => [port, null] as const);
  const bound = Object.entries(Object.groupBy(container.ports, containerSide)).map(
    ([port, bindings]) =>
      [
        port,
        bindings?.map(({ hostIp, hostPort }) => ({ HostIp: hostIp, HostPort: String(hostPort) })),
      ] as const,
  );
  return Object.fromEntries([...exposed, ...bound]);
}
