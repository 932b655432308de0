import { ClocheError } from '../../error.ts';
import { type Kept, storeCredentials } from './credentials.ts';
import { ownEndpoint } from './endpoint.ts';
import type { Credentials } from './identity.ts';
import type { Patience } from './patience.ts';
import { openSession } from './session.ts';

export interface LoginOptions {
  readonly signal?: AbortSignal | undefined;
  readonly patience?: Patience | undefined;
}

/**
 * Shows a registry who we are, and keeps that, where docker keeps it, if the registry takes it.
 *
 * @throws {ClocheError} `REGISTRY_UNAUTHORIZED`, `REGISTRY_…`, `CONFIG_INVALID`, `CREDENTIAL_HELPER`
 */
export async function login(
  domain: string,
  credentials: Credentials,
  options: LoginOptions = {},
): Promise<Kept> {
  const action = 'log in';
  const session = await openSession(ownEndpoint(domain), { ...options, credentials, action });
  const question = { method: 'GET', path: '/v2/', scopes: [], expect: [200] } as const;
  (await session.ask({ ...question, wanted: { action } })).discard();
  return storeCredentials(domain, credentials);
}

/**
 * A registry's name as images have it, from what people give to `login`: `https://host:5000/v2/`,
 * nothing for the Hub.
 *
 * @throws {ClocheError} `REGISTRY_NAME_INVALID`
 */
export function registryName(text: string | undefined): string {
  const host = (text ?? 'docker.io').replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  if (['index.docker.io', 'registry-1.docker.io', 'docker.io'].includes(host)) return 'docker.io';
  if (/^(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?$/.test(host)) return host;
  throw new ClocheError('REGISTRY_NAME_INVALID', `'${text}' is not the name of a registry`, {
    class: 'invalid-argument',
    hint: 'One looks like registry.example or localhost:5000; without one, Docker Hub is meant.',
  });
}
