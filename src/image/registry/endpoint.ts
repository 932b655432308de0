import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { ClocheError } from '../../error.ts';
import { stateRoot } from '../../state.ts';
import { configurationOf } from './configuration.ts';

/** A server that speaks the distribution-spec, and how to reach it. */
export interface Endpoint {
  /** Base URLs to try, each without a trailing slash: https, and http where that is allowed. */
  readonly urls: readonly string[];
  /** The registry's name as in references, under which its credentials are kept. */
  readonly domain: string;
  /** A mirror may fail for any reason; the registry itself is asked then. */
  readonly isMirror: boolean;
  readonly tls: Tls;
}

/** As Bun's `fetch` takes it; certificates and keys are PEM. */
export interface Tls {
  readonly rejectUnauthorized?: boolean;
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

/** Where docker looks for a registry's own certificates (dockerd(8)), and a place of ours. */
const certificates = () => ['/etc/docker/certs.d', join(stateRoot(), 'certs.d')];

/**
 * Where images of this name are pulled from: mirrors first, the registry itself last.
 *
 * @throws {ClocheError} `CONFIG_INVALID`, `CERTIFICATE_UNREADABLE`
 */
export function pullEndpoints(domain: string): Endpoint[] {
  const mirrors = configurationOf(domain).mirrors.map((url) => mirror(url));
  return [...mirrors, ownEndpoint(domain)];
}

/** The registry itself, to which one pushes and logs in. @throws as `pullEndpoints` */
export function ownEndpoint(domain: string): Endpoint {
  // The one registry whose name is not its address.
  const host = domain === 'docker.io' ? 'registry-1.docker.io' : domain;
  const { insecure } = configurationOf(domain);
  const urls = [`https://${host}`, ...(insecure ? [`http://${host}`] : [])];
  return { urls, domain, isMirror: false, tls: tlsOf(host, insecure) };
}

function mirror(url: string): Endpoint {
  const { host } = new URL(url);
  const tls = tlsOf(host, configurationOf(host).insecure);
  return { urls: [url.replace(/\/+$/, '')], domain: host, isMirror: true, tls };
}

/** `*.crt` are authorities beside the usual ones, `NAME.cert` with `NAME.key` is who we are. */
function tlsOf(host: string, insecure: boolean): Tls {
  const files = certificates().flatMap((folder) => filesOf(join(folder, host)));
  const authorities = files.filter((path) => path.endsWith('.crt')).map(readCertificate);
  const own = files.find((path) => path.endsWith('.cert'));
  return {
    ...(insecure ? { rejectUnauthorized: false } : { ca: [...usual(), ...authorities] }),
    ...(own === undefined
      ? {}
      : { cert: readCertificate(own), key: readCertificate(own.replace(/cert$/, 'key')) }),
  };
}

/** Bun's own, those of `NODE_EXTRA_CA_CERTS`, and the system's, where companies put theirs. */
function usual(): string[] {
  return [...getCACertificates('default'), ...getCACertificates('system')];
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).sort();
  return names.map((name) => join(folder, name));
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ClocheError('CERTIFICATE_UNREADABLE', `cannot read the certificate '${path}'`, {
      class: 'invalid-argument',
      hint: 'Beside NAME.cert lies its key, NAME.key.',
      cause,
    });
  }
}
