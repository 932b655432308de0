import { chownSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { z } from '../../zod.ts';
import { writeFileAtomically } from '../state/atomic.ts';

/** One entry of `auths`; docker writes the first two, older files have the others. */
export type AuthEntry = z.infer<typeof AuthEntry>;

const AuthEntry = z.looseObject({
  /** base64 of `name:password` */
  auth: z.string().optional(),
  identitytoken: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
});
const DockerConfig = z.looseObject({
  auths: z.record(z.string(), AuthEntry).optional(),
  /** The credential helper for all registries, `secretservice` for `docker-credential-secretservice`. */
  credsStore: z.string().optional(),
  /** By registry. */
  credHelpers: z.record(z.string(), z.string()).optional(),
});

/** Docker's file as far as it concerns registries; what else is in it stays there. */
export type DockerConfig = z.infer<typeof DockerConfig>;

/** `config.json` in `DOCKER_CONFIG`, or in `~/.docker`. */
export function dockerConfigPath(): string {
  return join(process.env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
}

/** @throws {ClocheError} `CONFIG_INVALID` */
export function readDockerConfig(): DockerConfig {
  const path = dockerConfigPath();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return {};
    throw unreadable(path, (error as Error).message, error);
  }
  try {
    return DockerConfig.parse(text.trim() === '' ? {} : JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw unreadable(path, reason, error);
  }
}

/**
 * Changes docker's file: for its owner alone (0600), never half written, and where it is a link the
 * file that it points at.
 *
 * @throws {ClocheError} `CONFIG_INVALID`
 */
export function changeDockerConfig(change: (config: DockerConfig) => DockerConfig): void {
  const changed = change(readDockerConfig());
  mkdirSync(dirname(dockerConfigPath()), { recursive: true, mode: 0o700 });
  const path = followed(dockerConfigPath());
  const content = JSON.stringify(changed, undefined, '\t');
  const before = statSync(path, { throwIfNoEntry: false });
  writeFileAtomically(path, content, `${path}.${crypto.randomUUID()}`, 0o600);
  // With sudo it stays the user's own.
  if (before !== undefined) chownSync(path, before.uid, before.gid);
}

function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function unreadable(path: string, reason: string, cause: unknown): ClocheError {
  return new ClocheError('CONFIG_INVALID', `cannot read '${path}': ${reason}`, {
    class: 'invalid-argument',
    hint: 'It is a file of docker, in JSON. Mend it, or name another directory with DOCKER_CONFIG.',
    cause,
  });
}
