import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { stateRoot } from '../../state.ts';
import { z } from '../../zod.ts';

/** What the user has said about one registry. */
export interface RegistryConfiguration {
  /** Base URLs that are asked first when pulling, `https://mirror.example`, in their order. */
  readonly mirrors: readonly string[];
  /** Certificates are not verified, and plain http is tried where https is not spoken. */
  readonly insecure: boolean;
}

/**
 * What is known about the registry of this name, `host` or `host:port`. Read from
 * `/etc/cloche/config.json` and then, by name, from `config.json` in the state directory:
 *
 *     { "registries": { "docker.io": { "mirrors": ["https://mirror.example"] },
 *                       "registry.lan:5000": { "insecure": true } } }
 *
 * `CLOCHE_INSECURE_REGISTRIES=registry.lan:5000,other.lan` says the same for one command. Addresses
 * of the loopback are insecure as they are for docker.
 *
 * @throws {ClocheError} `CONFIG_INVALID`
 */
export function configurationOf(domain: string): RegistryConfiguration {
  const said = { ...read('/etc/cloche/config.json'), ...read(join(stateRoot(), 'config.json')) };
  const named = (process.env.CLOCHE_INSECURE_REGISTRIES ?? '').split(',');
  const { mirrors = [], insecure } = said[domain] ?? {};
  return {
    mirrors,
    insecure: insecure ?? (isLoopback(domain) || named.some((name) => name.trim() === domain)),
  };
}

/** `localhost`, 127.0.0.0/8 and ::1, with a port or without. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

const Configuration = z.object({
  registries: z
    .record(
      z.string(),
      z.object({
        mirrors: z.array(z.url({ protocol: /^https?$/ })).optional(),
        insecure: z.boolean().optional(),
      }),
    )
    .default({}),
});

function read(path: string): z.infer<typeof Configuration>['registries'] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  try {
    return Configuration.parse(JSON.parse(text)).registries;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new ClocheError('CONFIG_INVALID', `cannot read '${path}': ${reason}`, {
      class: 'invalid-argument',
      hint: '{"registries": {"registry.lan:5000": {"insecure": true}}} is what it may look like.',
      cause,
    });
  }
}
