import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { HostEntry } from '../build/index.ts';
import { containerSide } from '../engine/ports/show.ts';
import { type PortSpec, parseExpose, parsePublish } from '../engine/ports/spec.ts';
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
export function ports(text: string, before: readonly PortSpec[] = []): readonly PortSpec[] {
  return [...before, ...orUsage(() => parsePublish(text))];
}

/** Collects what `--expose` says, as `80/tcp`. */
export function exposed(text: string, before: readonly string[] = []): readonly string[] {
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

/** Collects `key=value` and `key`, whose value is empty then. */
export function pair(text: string, before: Readonly<Record<string, string>> = {}) {
  const at = text.indexOf('=');
  const [key, value] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  if (key === '') throw new InvalidArgumentError('it looks like key=value.');
  return { ...before, [key]: value };
}

/** What of `--security-opt` there is here. */
export interface Security {
  readonly noNewPrivileges?: boolean;
  /** Without a seccomp filter. */
  readonly unconfined?: boolean;
}

/** Collects what `--security-opt` says. */
export function security(text: string, before: Security = {}): Security {
  const [key, value = 'true'] = text.split(/[=:]/);
  if (key === 'no-new-privileges' && (value === 'true' || value === 'false'))
    return { ...before, noNewPrivileges: value === 'true' };
  if (key === 'seccomp' && value === 'unconfined') return { ...before, unconfined: true };
  if (key === 'seccomp' && value === 'builtin') return { ...before, unconfined: false };
  throw new InvalidArgumentError('there are no-new-privileges and seccomp=unconfined.');
}

/** Collects what `-v` says; a source that begins with a dot is a path from here, as with docker since 23. */
export function addVolume(text: string, before: readonly string[] = []): readonly string[] {
  const [source = '', ...rest] = text.split(':');
  return [...before, rest.length === 0 ? text : [fromHere(source), ...rest].join(':')];
}

function fromHere(path: string): string {
  return path.startsWith('.') ? resolve(path) : path;
}

/** Mounts as `-v` and `--tmpfs` would say them. */
export interface Mounts {
  readonly volumes: readonly string[];
  readonly tmpfs: readonly string[];
}

const MOUNT_KEYS: Readonly<Record<string, string>> = {
  ...{ src: 'source', dst: 'target', destination: 'target', ro: 'readonly' },
  ...{ 'volume-nocopy': 'nocopy', 'tmpfs-size': 'size', 'tmpfs-mode': 'mode' },
  ...{ type: 'type', source: 'source', target: 'target', readonly: 'readonly' },
};

/** Collects what `--mount` says: the words of `-v`, each with its name. */
export function addMount(text: string, before: Mounts = { volumes: [], tmpfs: [] }): Mounts {
  const fields = new Map(
    text.split(',').map((field) => {
      const [key = '', ...value] = field.split('=');
      const name = Object.hasOwn(MOUNT_KEYS, key) ? MOUNT_KEYS[key] : undefined;
      if (name === undefined) throw new InvalidArgumentError(`unexpected key '${key}'.`);
      return [name, value.join('=') || 'true'] as const;
    }),
  );
  const [type = 'volume', said, target] = ['type', 'source', 'target'].map((key) =>
    fields.get(key),
  );
  const source = said === undefined || type !== 'bind' ? said : fromHere(said);
  if (target === undefined) throw new InvalidArgumentError('it needs target=….');
  if (type === 'tmpfs') {
    const options = ['size', 'mode'].flatMap((key) =>
      fields.has(key) ? [`${key}=${fields.get(key)}`] : [],
    );
    return {
      ...before,
      tmpfs: [...before.tmpfs, [target, ...(options.length > 0 ? [options.join()] : [])].join(':')],
    };
  }
  if (type !== 'bind' && type !== 'volume')
    throw new InvalidArgumentError(`there are bind, volume and tmpfs, and no '${type}'.`);
  if (type === 'bind' && source?.startsWith('/') !== true)
    throw new InvalidArgumentError('type=bind needs source=/… or source=./….');
  // Unlike -v, which makes it.
  if (type === 'bind' && source !== undefined && !existsSync(source))
    throw new InvalidArgumentError(`bind source path does not exist: ${source}.`);
  const modes = ['readonly', 'nocopy'].filter((key) => (fields.get(key) ?? 'false') !== 'false');
  const mode = modes.map((name) => (name === 'readonly' ? 'ro' : name)).join();
  const volume = [
    ...(source === undefined ? [] : [source]),
    target,
    ...(mode === '' ? [] : [mode]),
  ];
  // Without a source a mode would be taken for the target.
  if (source === undefined && mode !== '') throw new InvalidArgumentError('that needs source=….');
  return { ...before, volumes: [...before.volumes, volume.join(':')] };
}
