import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../../error.ts';
import { debianSources, listName, parseSources, type Source } from './sources.ts';

/** Where packages come from on this machine, and what apt must be told so that it accepts them. */
export interface Mirror {
  readonly uri: string;
  /** What the image's own apt reads, the suite itself first. */
  readonly sources: readonly Source[];
  readonly keyring: string;
  /** Lines of apt.conf(5) that the host needs and the image will need too. */
  readonly aptConf: readonly string[];
  /** For debootstrap's wget: `http_proxy` and `https_proxy`. */
  readonly proxies: Readonly<Record<string, string>>;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Settings that say whether a mirror is believed or how it is reached; the rest is the host's taste. */
const CARRIED = /^Acquire::(Check-Valid-Until|Check-Date|Max-FutureTime|https?::Proxy)$/;

/**
 * The mirror that the host's apt uses, with `suite` in place of the host's own. A suite's updates
 * and security fixes are listed where the mirror has them.
 */
export async function mirrorFor(suite: string, apt = '/etc/apt'): Promise<Mirror> {
  const found = debianSources(hostSources(apt), originOf);
  const main = found.find((source) => !/[-/]/.test(source.suite));
  const usual = usualUri();
  const uri = (main?.uri ?? usual ?? unknownMirror(suite)).replace(/\/$/, '');
  const security = found.find((source) => source.suite.endsWith('-security'))?.uri;
  const { aptConf, proxies } = aptSettings();
  const more = [
    { uri, suite: `${suite}-updates` },
    { uri: security ?? `${usual ?? uri}-security`, suite: `${suite}-security` },
  ];
  const isKnown = (source: { uri: string; suite: string }) =>
    found.some((one) => one.suite === source.suite && one.uri === source.uri);
  const there = await Promise.all(
    more.map((source) => (isKnown(source) ? true : hasRelease(source, proxies))),
  );
  const keyring =
    main?.signedBy !== undefined && existsSync(main.signedBy) ? main.signedBy : KEYRING;
  const sources = [{ uri, suite }, ...more.filter((_, i) => there[i])];
  return {
    uri,
    sources: sources.map((source) => ({ ...source, components: ['main'] })),
    keyring,
    aptConf,
    proxies,
  };
}

/** Where debootstrap itself would go, for a host whose apt has no Debian: the default in its script. */
function usualUri(): string | undefined {
  const script = Bun.which('debootstrap');
  if (script === null) return undefined;
  return /^DEF_MIRROR="([^"]+)"$/m.exec(readFileSync(script, 'utf8'))?.[1];
}

function unknownMirror(suite: string): never {
  throw new ClocheError('MIRROR_UNKNOWN', `no mirror is known that has '${suite}'`, {
    class: 'unavailable',
    hint: 'apt-get install debootstrap, or name a Debian mirror in /etc/apt/sources.list',
  });
}

function hostSources(apt: string): Source[] {
  const parts = join(apt, 'sources.list.d');
  const files = existsSync(parts) ? readdirSync(parts).sort() : [];
  return [join(apt, 'sources.list'), ...files.map((name) => join(parts, name))]
    .filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
    .flatMap((path) => parseSources(path, readFileSync(path, 'utf8')));
}

/** `Origin:` of the Release file that the host's apt has fetched of a source. */
function originOf(source: Source): string | undefined {
  for (const kind of ['InRelease', 'Release']) {
    const path = `/var/lib/apt/lists/${listName(source)}_${kind}`;
    if (existsSync(path)) return /^Origin: *(.*)$/m.exec(readFileSync(path, 'utf8'))?.[1];
  }
  return undefined;
}

function aptSettings(): Pick<Mirror, 'aptConf' | 'proxies'> {
  const dump = spawnSync('apt-config', ['dump'], { encoding: 'utf8' }).stdout ?? '';
  const aptConf: string[] = [];
  const proxies: Record<string, string> = {};
  for (const line of dump.split('\n')) {
    const [, name = '', value = ''] = /^(\S+) "(.*)";$/.exec(line) ?? [];
    if (!CARRIED.test(name) || value === '') continue;
    aptConf.push(line);
    const scheme = /^Acquire::(https?)::Proxy$/.exec(name)?.[1];
    if (scheme !== undefined && value !== 'DIRECT') proxies[`${scheme}_proxy`] = value;
  }
  return { aptConf, proxies };
}

/** Whether a mirror has a suite, as far as it can be asked now. */
export async function hasRelease(
  { uri, suite }: { uri: string; suite: string },
  proxies: Mirror['proxies'],
): Promise<boolean> {
  const proxy = proxies[`${new URL(uri).protocol.replace(':', '')}_proxy`];
  try {
    const answer = await fetch(`${uri.replace(/\/$/, '')}/dists/${suite}/InRelease`, {
      method: 'HEAD',
      signal: AbortSignal.timeout(5000),
      ...(proxy === undefined ? {} : { proxy }),
    });
    return answer.ok;
  } catch {
    return false;
  }
}
