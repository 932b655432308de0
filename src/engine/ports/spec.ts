import { ClocheError } from '../../error.ts';
import { parseIp } from '../../linux/netlink/address.ts';

/** One port of a container and where it is wanted on the host; what `-p` says. */
export interface PortSpec {
  readonly protocol: Protocol;
  /** The container's. */
  readonly port: number;
  /** Without it every address of the host, of IPv4 and of IPv6. */
  readonly hostIp?: string | undefined;
  /** The first and the last that will do; without it any that is free. */
  readonly hostPorts?: Range | undefined;
}

export type Protocol = 'tcp' | 'udp';
type Range = readonly [first: number, last: number];

/**
 * Reads `[[ip:][hostPort[-hostPort]]:]containerPort[-containerPort][/protocol]`; a range gives as many
 * as it has ports. Source: docker run(1), `--publish`.
 *
 * @example parsePublish('127.0.0.1:8080-8081:80-81/udp') // two
 * @throws {ClocheError} `PORT_INVALID`, in docker's words.
 */
export function parsePublish(text: string): PortSpec[] {
  const [, ip = '', host = '', rest = ''] =
    /^(?:(\[[^\]]*\]|[^:]*):(?=[^:]*:))?(?:([^:]*):)?([^:]*)$/.exec(text) ??
    fail(`invalid publish spec: ${text}`);
  const [inside, protocol] = exposed(rest);
  const hostIp = ip === '' ? undefined : addressIn(ip);
  // 0 is any port, as for bind(2).
  if (host === '' || host === '0') return each(inside).map((port) => ({ protocol, port, hostIp }));
  const outside = range(host, 'hostPort');
  const [wanted, given] = [inside[1] - inside[0], outside[1] - outside[0]];
  // One port of the container may have any of a range.
  if (wanted === 0) return [{ protocol, port: inside[0], hostIp, hostPorts: outside }];
  if (wanted !== given)
    fail(`invalid ranges specified for container and host Ports: '${rest}' and '${host}'`);
  return each(inside).map((port, i) => {
    const own = outside[0] + i;
    return { protocol, port, hostIp, hostPorts: [own, own] };
  });
}

/**
 * Reads what EXPOSE and `--expose` say: `80`, `53/udp`, `8000-8010/tcp`.
 *
 * @throws {ClocheError} `PORT_INVALID`
 */
export function parseExpose(text: string): Pick<PortSpec, 'port' | 'protocol'>[] {
  const [ports, protocol] = exposed(text);
  return each(ports).map((port) => ({ port, protocol }));
}

function exposed(text: string): [Range, Protocol] {
  const [ports = '', protocol = 'tcp'] = text.split('/');
  if (ports === '') fail(`no port specified: ${text === '' ? '<empty>' : text}`);
  const name = protocol.toLowerCase();
  if (name !== 'tcp' && name !== 'udp') fail(`invalid proto: ${protocol}`, 'tcp and udp are known');
  return [range(ports, 'containerPort'), name];
}

function range(text: string, what: 'hostPort' | 'containerPort'): Range {
  const [first, last = first] = text.split('-').map(portNumber);
  if (text.split('-').length > 2 || first === undefined || last === undefined || last < first)
    return fail(`invalid ${what}: ${text}`, 'a port is a number from 1 to 65535');
  return [first, last];
}

function portNumber(text: string): number | undefined {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return number > 0 && number < 65536 ? number : undefined;
}

function addressIn(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  try {
    parseIp(bare);
    return bare;
  } catch {
    return fail(
      `invalid IP address: ${text}`,
      'an address of this host, such as 127.0.0.1 or [::1]',
    );
  }
}

function each([first, last]: Range): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function fail(message: string, hint = 'write -p 8080:80, or -p 127.0.0.1:8080:80/tcp'): never {
  throw new ClocheError('PORT_INVALID', message, { class: 'invalid-argument', hint });
}
