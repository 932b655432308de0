import { ClocheError } from '../../error.ts';

/** An IP address as the kernel wants it, in network order. */
export interface IpAddress {
  readonly version: 4 | 6;
  /** Four or sixteen bytes. */
  readonly bytes: Uint8Array;
}

/** @throws {ClocheError} `ADDRESS_INVALID`: neither IPv4 nor IPv6; names are not resolved. */
export function parseIp(text: string): IpAddress {
  if (isIpv4(text)) return { version: 4, bytes: Uint8Array.from(text.split('.'), Number) };
  // Asked of the URL parser, since importing node:net takes as long as a container does.
  if (text.includes(':') && URL.canParse(`http://[${text}]`))
    return { version: 6, bytes: ipv6Bytes(text) };
  throw invalid('IP address', text, '10.88.0.2, or fd00::2 (without a zone)');
}

/** Whether it is an address of IPv4 or IPv6. */
export function isIp(text: string): boolean {
  try {
    parseIp(text);
    return true;
  } catch {
    return false;
  }
}

/** Four numbers up to 255, without leading zeros, which some would read as octal. */
function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return (
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && +part < 256)
  );
}

/** @throws {ClocheError} `ADDRESS_INVALID` */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw invalid('MAC address', text, '02:42:0a:58:00:02');
  return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16));
}

/**
 * The MAC address of whoever has this IP address: "locally administered", then the last four bytes.
 * When an IP address is given to another container, nobody on the bridge remembers a wrong MAC.
 *
 * @example macOf('10.88.0.2') // '02:42:0a:58:00:02'
 */
export function macOf(address: string): string {
  const last = parseIp(address).bytes.slice(-4);
  return [0x02, 0x42, ...last].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** 1 for each bit of the network's part, as many bytes as the address has. */
export function maskOf({ bytes }: IpAddress, prefix: number): Uint8Array {
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bytes.length * 8)
    throw invalid('prefix length', String(prefix), `0 to ${bytes.length * 8}`);
  return bytes.map((_, i) => (0xff00 >> Math.max(0, Math.min(8, prefix - i * 8))) & 0xff);
}

/** The network that the address is in: 10.88.0.0 for 10.88.0.1/16. */
export function networkOf(address: IpAddress, prefix: number): Uint8Array {
  const mask = maskOf(address, prefix);
  return address.bytes.map((byte, i) => byte & (mask[i] ?? 0));
}

/** Everybody in the network: 10.88.255.255 for 10.88.0.1/16. */
export function broadcastOf(address: IpAddress, prefix: number): Uint8Array {
  const mask = maskOf(address, prefix);
  return address.bytes.map((byte, i) => byte | (~(mask[i] ?? 0) & 0xff));
}

/** `fd00::1`, `::ffff:10.0.0.1`: eight groups, a `::` for as many zeros as are missing. */
function ipv6Bytes(text: string): Uint8Array {
  const withoutDots = text.replace(/[^:]+\.[^:]+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = [], tail = []] = withoutDots
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return Uint8Array.from(
    groups.flatMap((group) => {
      const number = Number.parseInt(group, 16);
      return [number >> 8, number & 0xff];
    }),
  );
}

function invalid(what: string, text: string, right: string): ClocheError {
  return new ClocheError('ADDRESS_INVALID', `'${text}' is no ${what}`, {
    class: 'invalid-argument',
    hint: `One that is: ${right}.`,
  });
}

/** The version of IP that a port of this host is about. */
export function versionOf({ hostIp }: { readonly hostIp: string }): IpAddress['version'] {
  return parseIp(hostIp).version;
}

/** A port of an address as bind(2) and connect(2) want it: `sockaddr_in`, `sockaddr_in6`. Source: ip(7), ipv6(7). */
export function socketAddress(ip: string, number: number): Uint8Array {
  const { version, bytes } = parseIp(ip);
  const port = [number >> 8, number & 0xff];
  return version === 4
    ? Uint8Array.of(AF_INET, 0, ...port, ...bytes, 0, 0, 0, 0, 0, 0, 0, 0)
    : Uint8Array.of(AF_INET6, 0, ...port, 0, 0, 0, 0, ...bytes, 0, 0, 0, 0);
}

const AF_INET = 2;
const AF_INET6 = 10;
