import { InvalidArgumentError } from 'commander';
import type { HostEntry } from '../build/index.ts';
import { containerSide, type PortSpec, parseExpose, parsePublish } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import { isIp } from '../linux/netlink/address.ts';
import type { Rlimit } from '../linux/rlimits.ts';

/** `name:ip` or `name=ip`, an IPv6 address also in brackets; the IP may be `host-gateway`. */
export function addHost(text: string, before: readonly HostEntry[] = []): readonly HostEntry[] {
  const [, name, said] = /^([^:=\s]+)[:=](\S+)$/.exec(text) ?? [];
  if (name === undefined || said === undefined)
    throw new InvalidArgumentError('a host looks like name:10.0.0.1 or name:host-gateway.');
  const address = said.replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && !isIp(address))
    throw new InvalidArgumentError(`'${address}' is no IP address.`);
  return [...before, { name, address }];
}

/** What docker lets be limited, and the name of each in getrlimit(2) without its beginning. */
const ULIMITS = [
  ...['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc'],
  ...['rss', 'rtprio', 'rttime', 'sigpending', 'stack'],
];

/** `nofile=1024:4096`, `core=0`, -1 for no limit; of two for the same thing the later one counts. */
export function addUlimit(text: string, before: readonly Rlimit[] = []): readonly Rlimit[] {
  const [, name = '', low, high = low] = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text) ?? [];
  if (low === undefined)
    throw new InvalidArgumentError('a limit looks like nofile=1024:4096 or core=0.');
  if (!ULIMITS.includes(name))
    throw new InvalidArgumentError(`there is no '${name}'; there are ${ULIMITS.join(', ')}.`);
  const [soft, hard] = [Number(low), Number(high)];
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw new InvalidArgumentError(
      `the soft limit must be less than or equal to the hard one: ${soft} > ${hard}.`,
    );
  const type = `RLIMIT_${name.toUpperCase()}`;
  return [...before.filter((one) => one.type !== type), { type, soft, hard }];
}

/** Collects what `-p` says. */
export function ports(text: string, before: readonly PortSpec[]): readonly PortSpec[] {
  return [...before, ...orUsage(() => parsePublish(text))];
}

/** Collects what `--expose` says, as `80/tcp`. */
export function exposed(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...orUsage(() => parseExpose(text)).map(containerSide)];
}

/** What is wrong with an argument is wrong with the command line, and ends it as such. */
function orUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ClocheError)) throw error;
    throw new InvalidArgumentError(`${error.message} (${error.hint}).`);
  }
}
