import { ClocheError } from '../../error.ts';
import { fileNotes } from '../file-notes.ts';
import type { OperationMount, RunOperation, ScriptMount } from '../graph.ts';
import type { FileFacts } from '../step.ts';
import { bindMount, type Found, findSource, type MountInputs, sourceDigest } from './bind.ts';
import { type CacheMount, cacheKey, withCache } from './cache.ts';
import type { ReadyMount } from './mount.ts';
import type { Secrets } from './secrets.ts';

export interface PrepareInputs extends MountInputs {
  readonly secrets: Secrets;
  readonly signal: AbortSignal;
}

/** The mounts of a RUN. */
export interface ReadyMounts {
  /** JSON: what the cache has to know of them, beside their flags; nothing secret. */
  readonly facts: unknown;
  readonly files: () => FileFacts;
  /** Does `action` while the caches are held. @param env `KEY=value`, of secrets and the agent */
  during<T>(
    action: (mounts: readonly ReadyMount[], env: readonly string[]) => Promise<T>,
  ): Promise<T>;
}

/**
 * Finds what the mounts of a RUN are taken from.
 *
 * @throws {ClocheError} `COPY_SOURCE_NOT_FOUND`
 */
export async function prepareMounts(op: RunOperation, about: PrepareInputs): Promise<ReadyMounts> {
  const sources = new Map<OperationMount, Found | undefined>();
  const facts: (string | null)[] = [];
  const notes = fileNotes();
  for (const mount of op.mounts) {
    if (mount.type !== 'bind' && mount.type !== 'cache') continue;
    const found = findSource(mount, about);
    sources.set(mount, found);
    facts.push(
      found === undefined ? null : await sourceDigest(mount, found, about.context, notes.note),
    );
  }
  return {
    facts: facts.length === 0 ? null : facts,
    files: notes.read,
    during: async (action) => {
      const secret = secretMounts(op.mounts, about.secrets);
      return withCaches(op.mounts, sources, about, (caches) => {
        const mounts = op.mounts.flatMap((mount): readonly ReadyMount[] => {
          if (mount.type === 'bind') return [bindMount(mount, sources.get(mount))];
          if (mount.type === 'tmpfs') return [{ ...mount, kind: 'tmpfs' }];
          if (mount.type === 'script') return [scriptFile(mount)];
          if (mount.type !== 'cache') return secret.mounts.get(mount) ?? [];
          const { target, readonly } = mount;
          return [{ kind: 'host', target, source: caches.get(mount) ?? '', readonly }];
        });
        return action(mounts, secret.env);
      });
    },
  };
}

/** Takes caches in one order, so that two RUNs that need the same two do not wait for each other. */
function withCaches<T>(
  mounts: readonly OperationMount[],
  sources: ReadonlyMap<OperationMount, Found | undefined>,
  { store, signal }: PrepareInputs,
  action: (directories: ReadonlyMap<OperationMount, string>) => Promise<T>,
): Promise<T> {
  const caches = mounts
    .filter((mount): mount is CacheMount => mount.type === 'cache')
    .map((mount) => ({ mount, key: cacheKey(mount, sources.get(mount)) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const held = new Map<OperationMount, string>();
  const locked = new Map<string, string>();
  const take = ([next, ...rest]: typeof caches): Promise<T> => {
    if (next === undefined) return action(held);
    const { mount, key } = next;
    const isLocked = mount.sharing === 'locked';
    // Mounted twice by one RUN, a locked cache must not wait for itself.
    const twin = isLocked ? locked.get(key) : undefined;
    if (twin !== undefined) {
      held.set(mount, twin);
      return take(rest);
    }
    return withCache(
      ...([store, mount, sources.get(mount)] as const),
      (directory) => {
        held.set(mount, directory);
        if (isLocked) locked.set(key, directory);
        return take(rest);
      },
      signal,
    );
  };
  return take(caches);
}

function secretMounts(all: readonly OperationMount[], { files, agents }: Secrets) {
  const mounts = new Map<OperationMount, readonly ReadyMount[]>();
  const env: string[] = [];
  let sockets = 0;
  for (const mount of all) {
    if (mount.type !== 'secret' && mount.type !== 'ssh') continue;
    const { uid, gid, mode, id } = mount;
    if (mount.type === 'ssh') {
      const socket = agents.get(id);
      const target = mount.target ?? `/run/buildkit/ssh_agent.${sockets++}`;
      if (socket === undefined && mount.required)
        throw missing(`unset ssh forward key ${id}`, `--ssh ${id}`);
      if (socket === undefined) continue;
      mounts.set(mount, [{ kind: 'agent', target, socket, uid, gid, mode }]);
      if (!env.some((entry) => entry.startsWith('SSH_AUTH_SOCK=')))
        env.push(`SSH_AUTH_SOCK=${target}`);
      continue;
    }
    const content = files.get(id);
    if (content === undefined && mount.required)
      throw missing(`secret ${id}: not found`, `--secret id=${id},src=FILE`);
    if (content === undefined) continue;
    if (mount.env !== undefined) env.push(`${mount.env}=${Buffer.from(content).toString()}`);
    if (mount.target !== undefined)
      mounts.set(mount, [{ kind: 'secret', target: mount.target, content, uid, gid, mode }]);
  }
  return { mounts, env };
}

/** A script is in nobody's layer either: a file in memory, as a secret is. */
function scriptFile({ target, content }: ScriptMount): ReadyMount {
  return { kind: 'secret', target, content: Buffer.from(content), uid: 0, gid: 0, mode: 0o755 };
}

function missing(message: string, flag: string): ClocheError {
  return new ClocheError('SECRET_NOT_FOUND', message, {
    class: 'not-found',
    hint: `RUN requires it: build with ${flag}.`,
  });
}
