import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '../runtime/index.ts';
import { BRIDGE } from './bridge.ts';
import type { RunOptions } from './options.ts';

/**
 * The files of `/etc` that depend on the container and not on the image: written into the
 * container's directory and mounted over the image's.
 */
export function etcMounts(
  directory: string,
  about: {
    readonly id: string;
    readonly options: RunOptions;
    readonly address?: string | undefined;
  },
): Mount[] {
  const { id, options, address } = about;
  const hostname = options.hostname ?? id.slice(0, 12);
  const own = options.network === 'host' ? undefined : (address ?? undefined);
  const hosts = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    ...(own === undefined ? [] : [`${own}\t${hostname}`]),
    ...(options.hosts ?? []).map(({ name, address: at }) => `${gateway(at, options)}\t${name}`),
  ];
  const files = {
    hostname: `${hostname}\n`,
    hosts: `${hosts.join('\n')}\n`,
    'resolv.conf': options.network === 'none' ? '' : resolvConf(options.dns),
  };
  return Object.entries(files).map(([name, content]) => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o644 });
    return { destination: `/etc/${name}`, type: 'bind', source: path, options: ['bind'] };
  });
}

/** What `host-gateway` stands for: the bridge's address, or with the host's network its own. */
function gateway(address: string, { network }: RunOptions): string {
  if (address !== 'host-gateway') return address;
  return network === 'host' ? '127.0.0.1' : BRIDGE[4].address;
}

/** The name servers that are wanted, or the host's resolver; where that is a stub on loopback, what stands behind it. */
function resolvConf(servers: readonly string[] = []): string {
  if (servers.length > 0) return servers.map((server) => `nameserver ${server}\n`).join('');
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const own = read('/etc/resolv.conf');
  if (!/^nameserver\s+127\.0\.0\.53/m.test(own)) return own;
  return read('/run/systemd/resolve/resolv.conf') || own;
}

/** Whether the source of a bind mount is a directory; a missing one is for the kernel to refuse. */
export function kindOf(source: string): 'directory' | 'file' {
  return statSync(source, { throwIfNoEntry: false })?.isDirectory() === false
    ? 'file'
    : 'directory';
}
