import { ClocheError } from '../../error.ts';
import type { HostPort } from '../../linux/netlink/index.ts';
import { hasIpv6 } from '../../linux/netlink/sysctl.ts';
import type { PortSpec } from './spec.ts';

/** A port of a container, and a port of the host that leads to it. */
export interface PortBinding extends HostPort {
  /** The container's. */
  readonly port: number;
}

/**
 * Decides on the host's ports where more than one would do. Whether they can really be had is known
 * when the container takes them: until then anybody may be quicker.
 *
 * @throws {ClocheError} `PORTS_EXHAUSTED`: all of a range are taken.
 */
export async function choosePorts(specs: readonly PortSpec[]): Promise<PortBinding[]> {
  const chosen: PortBinding[] = [];
  for (const spec of specs) {
    const { protocol, port } = spec;
    const hostPort = await choose(spec, chosen);
    for (const hostIp of addressesOf(spec)) chosen.push({ protocol, hostIp, hostPort, port });
  }
  return chosen;
}

function addressesOf({ hostIp }: PortSpec): string[] {
  if (hostIp !== undefined) return [hostIp];
  return hasIpv6() ? ['0.0.0.0', '::'] : ['0.0.0.0'];
}

async function choose(spec: PortSpec, before: readonly PortBinding[]): Promise<number> {
  const { hostPorts, protocol } = spec;
  if (hostPorts !== undefined && hostPorts[0] === hostPorts[1]) return hostPorts[0];
  const mine = (port: number) =>
    before.some((other) => other.hostPort === port && other.protocol === protocol);
  for (const port of candidates(hostPorts)) {
    if (!mine(port) && (await areFree(addressesOf(spec), port, protocol))) return port;
  }
  throw new ClocheError('PORTS_EXHAUSTED', 'all ports are allocated', {
    class: 'unavailable',
    hint:
      hostPorts === undefined
        ? 'end programs that listen, or choose a port yourself: -p 8080:80'
        : `give a wider range than ${hostPorts.join('-')}`,
  });
}

/** Of no range: some that the kernel gives to those who do not care. */
function* candidates(range: PortSpec['hostPorts']): Generator<number> {
  if (range !== undefined) {
    for (let port = range[0]; port <= range[1]; port++) yield port;
    return;
  }
  for (let tries = 0; tries < 100; tries++) {
    const listener = Bun.listen({ hostname: '0.0.0.0', port: 0, socket: IGNORED });
    listener.stop();
    yield listener.port;
  }
}

/** One after the other: `::` takes the port of IPv4 with it. */
async function areFree(addresses: readonly string[], port: number, protocol: 'tcp' | 'udp') {
  for (const address of addresses) if (!(await isFree(address, port, protocol))) return false;
  return true;
}

async function isFree(hostname: string, port: number, protocol: 'tcp' | 'udp'): Promise<boolean> {
  try {
    if (protocol === 'tcp') Bun.listen({ hostname, port, socket: IGNORED }).stop();
    else (await Bun.udpSocket({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}

const IGNORED = { data: () => {} };
