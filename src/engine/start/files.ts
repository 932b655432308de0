import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname as ownHostname } from 'node:os';
import { join } from 'node:path';
import type { Mount } from '../../runtime/index.ts';
import { BRIDGE } from '../network/bridge.ts';
import type { RunOptions } from '../options.ts';

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
  const hostname = hostnameOf(options, id);
  const { domainname } = options;
  const names = domainname === undefined ? hostname : `${hostname}.${domainname} ${hostname}`;
  const own = options.network === 'host' ? undefined : (address ?? undefined);
  const hosts = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    ...(own === undefined ? [] : [`${own}\t${names}`]),
    ...(options.hosts ?? []).map(({ name, address: at }) => `${gateway(at, options)}\t${name}`),
  ];
  const files = {
    hostname: `${hostname}\n`,
    hosts: `${hosts.join('\n')}\n`,
    'resolv.conf': options.network === 'none' ? '' : resolvConf(options),
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

/** With the host's UTS namespace it is the host's. */
function hostnameOf({ hostname, utsMode }: RunOptions, id: string): string {
  return utsMode === 'host' ? ownHostname() : (hostname ?? id.slice(0, 12));
}

/** What is wanted, each line of it instead of the host's. A domain of `.` alone is none. */
function resolvConf({ dns = [], dnsSearch = [], dnsOptions = [] }: RunOptions): string {
  const domains = dnsSearch.filter((domain) => domain !== '.');
  const lines = [
    ...dns.map((server) => `nameserver ${server}`),
    ...(domains.length === 0 ? [] : [`search ${domains.join(' ')}`]),
    ...(dnsOptions.length === 0 ? [] : [`options ${dnsOptions.join(' ')}`]),
  ];
  const said = [
    ...(dns.length === 0 ? [] : ['nameserver']),
    ...(dnsSearch.length === 0 ? [] : ['search', 'domain']),
    ...(dnsOptions.length === 0 ? [] : ['options']),
  ];
  if (lines.length === 0 && said.length === 0) return hostResolver();
  // As before there were more than servers: who names those wants nothing of the host's.
  const host = dns.length > 0 ? [] : hostResolver().split('\n');
  const kept = host.filter((line) => line !== '' && !said.includes(line.split(/\s/)[0] ?? ''));
  return [...kept, ...lines].map((line) => `${line}\n`).join('');
}

/** The host's resolver; where that is a stub on loopback, what stands behind it. */
function hostResolver(): string {
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
