import {
  type AuthEntry,
  changeDockerConfig,
  type DockerConfig,
  dockerConfigPath,
  readDockerConfig,
} from './docker-config.ts';
import { helperErase, helperGet, helperStore } from './helper.ts';
import type { Credentials } from './identity.ts';

/** Where credentials went. */
export type Kept = { readonly helper: string } | { readonly file: string };

/**
 * What docker's config knows of a registry, from a credential helper or from the file itself.
 *
 * @throws {ClocheError} `CONFIG_INVALID`, `CREDENTIAL_HELPER`
 */
export async function findCredentials(domain: string): Promise<Credentials | undefined> {
  const config = readDockerConfig();
  const helper = helperOf(config, domain);
  if (helper !== undefined) return helperGet(helper, keyOf(domain));
  const [, entry] = entryOf(config, domain) ?? [];
  return entry === undefined ? undefined : credentialsOf(entry);
}

/** Keeps credentials as docker would. @throws as `findCredentials` */
export async function storeCredentials(domain: string, who: Credentials): Promise<Kept> {
  const key = keyOf(domain);
  const helper = helperOf(readDockerConfig(), domain);
  if (helper !== undefined) await helperStore(helper, key, who);
  const entry = helper === undefined ? entryFor(who) : {};
  changeDockerConfig((config) => ({ ...config, auths: { ...config.auths, [key]: entry } }));
  return helper === undefined ? { file: dockerConfigPath() } : { helper };
}

/** Forgets credentials. @returns whether there were any. @throws as `findCredentials` */
export async function eraseCredentials(domain: string): Promise<boolean> {
  const config = readDockerConfig();
  const helper = helperOf(config, domain);
  const known = entryOf(config, domain);
  if (helper !== undefined) await helperErase(helper, keyOf(domain));
  if (known !== undefined)
    changeDockerConfig(({ auths = {}, ...rest }) => {
      const { [known[0]]: _, ...others } = auths;
      return { ...rest, auths: others };
    });
  return known !== undefined || helper !== undefined;
}

/** The Hub has kept the name of its first version as a key. */
export function keyOf(domain: string): string {
  return domain === 'docker.io' ? 'https://index.docker.io/v1/' : domain;
}

function helperOf(config: DockerConfig, domain: string): string | undefined {
  const own = config.credHelpers?.[keyOf(domain)] ?? config.credHelpers?.[domain];
  return own ?? (config.credsStore === '' ? undefined : config.credsStore);
}

/** By the key as docker writes it, else by whichever names the same host: `https://host/v2/`. */
function entryOf(config: DockerConfig, domain: string): [string, AuthEntry] | undefined {
  const entries = Object.entries(config.auths ?? {});
  const key = keyOf(domain);
  const host = hostOf(key);
  return entries.find(([name]) => name === key) ?? entries.find(([name]) => hostOf(name) === host);
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function credentialsOf(entry: AuthEntry): Credentials | undefined {
  if (entry.identitytoken) return { identityToken: entry.identitytoken };
  if (entry.username && entry.password)
    return { username: entry.username, password: entry.password };
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) return undefined;
  const password = decoded.slice(colon + 1).replace(/\0+$/, '');
  return { username: decoded.slice(0, colon), password };
}

function entryFor(who: Credentials): AuthEntry {
  if ('identityToken' in who) return { identitytoken: who.identityToken };
  return { auth: Buffer.from(`${who.username}:${who.password}`).toString('base64') };
}
