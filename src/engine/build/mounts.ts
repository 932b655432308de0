import { chmodSync, chownSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import type { FileDress, LayeredMount, ReadyMount } from '../../build/index.ts';
import { type RawPath, toRaw } from '../../image/layer/scan.ts';
import { writeTimes } from '../../image/layer/times.ts';
import { perform } from '../../linux/perform.ts';
import { call, flags, mode, plan, text } from '../../linux/plan/index.ts';
import type { MemoryFile, MemoryFiles, Mount } from '../../runtime/index.ts';

/** The mounts of one RUN, as its container has them. */
export interface BuildMounts {
  readonly mounts: readonly Mount[];
  /** What some of them show: secrets and scripts, which no disk shall have. */
  readonly memory: MemoryFiles | undefined;
  /** Once the container has ended. */
  close(): void;
}

/**
 * Makes in `scratch`, which goes away with the container, what the mounts of a RUN need, and says how
 * they are to be mounted.
 */
export async function buildMounts(
  scratch: string,
  ready: readonly ReadyMount[],
): Promise<BuildMounts> {
  const made: Made = { directory: join(scratch, 'memory'), files: [], servers: [] };
  mkdirSync(made.directory);
  const mounts: Mount[] = [];
  for (const [index, mount] of ready.entries()) {
    const own = join(scratch, `mount-${index}`);
    mkdirSync(own);
    mounts.push(await mountOf(mount, own, made));
  }
  const { directory, files, servers } = made;
  return {
    mounts,
    memory: files.length === 0 ? undefined : { directory, files },
    close: () => servers.forEach((server) => void server.close()),
  };
}

/** What is made beside the mounts themselves. */
interface Made {
  readonly directory: string;
  readonly files: MemoryFile[];
  readonly servers: Server[];
}

async function mountOf(mount: ReadyMount, own: string, made: Made): Promise<Mount> {
  const destination = mount.target;
  switch (mount.kind) {
    case 'layered':
      return layered(mount, own);
    case 'host':
      return bind(destination, mount.source, mount.readonly);
    case 'tmpfs': {
      const size = mount.size === undefined ? [] : [`size=${mount.size}`];
      return { destination, type: 'tmpfs', source: 'tmpfs', options: ['mode=1777', ...size] };
    }
    case 'secret': {
      const { content, uid, gid, mode: bits } = mount;
      const name = String(made.files.length);
      made.files.push({ name, content, uid, gid, mode: bits });
      const options = ['bind', 'ro', 'nosuid', 'nodev'];
      return { destination, type: 'bind', source: join(made.directory, name), options };
    }
    case 'agent': {
      made.servers.push(await forward(mount.socket, own));
      dress(join(own, 's'), mount);
      return bind(destination, join(own, 's'), false);
    }
  }
}

/** Its layers as an overlay of its own; writes go to `own` or are refused. */
async function layered(mount: LayeredMount, own: string): Promise<Mount> {
  const { target, layers, hidden, readonly } = mount;
  const [only] = layers;
  if (layers.length === 1 && only !== undefined && hidden.length === 0 && readonly)
    return bind(target, only, true);
  const cover = join(own, 'cover');
  mkdirSync(cover);
  const dresser = new Dresser();
  if (hidden.length > 0) await whiteOut(cover, only ?? '', hidden, dresser);
  const lower = [cover, ...(layers.length === 0 ? [own] : layers)];
  for (const name of ['upper', 'work', 'empty']) mkdirSync(join(own, name));
  if (only !== undefined) dresser.copy(only, cover);
  if (only !== undefined) dresser.copy(only, join(own, 'upper'));
  await dresser.finish();
  const writable = [`upperdir=${own}/upper`, `workdir=${own}/work`];
  const options = [
    ...lower.map((path) => `lowerdir+=${path === own ? join(own, 'empty') : path}`),
    ...(readonly ? ['ro'] : writable),
  ];
  return { destination: target, type: 'overlay', source: 'overlay', options };
}

/** Whiteouts, character devices 0/0, for what must not be seen, in directories as they are below. */
async function whiteOut(
  cover: string,
  below: string,
  hidden: readonly string[],
  dresser: Dresser,
): Promise<void> {
  for (const path of hidden) mkdirAs(cover, below, dirname(path), dresser);
  const steps = hidden.map((path) =>
    call(
      'mknodat',
      [flags('AT_FDCWD'), text(join(cover, path)), mode(0o020000), 0],
      'what .dockerignore names is not seen',
    ),
  );
  await perform(plan('hide what is ignored', steps));
}

function mkdirAs(cover: string, below: string, path: string, dresser: Dresser): void {
  if (path === '.') return;
  mkdirAs(cover, below, dirname(path), dresser);
  mkdirSync(join(cover, path), { recursive: true });
  dresser.copy(join(below, path), join(cover, path));
}

/** A socket of our own that leads to the agent's, so that it may have another owner and mode. */
async function forward(agent: string, directory: string): Promise<Server> {
  // Loaded when needed: it takes as long as a container to start.
  const { connect, createServer } = await import('node:net');
  const server = createServer((client) => {
    const upstream = connect(agent);
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.pipe(upstream).pipe(client);
  });
  // A socket's path is at most 107 bytes long, the state directory's may be longer.
  const fd = openSync(directory, 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`/proc/self/fd/${fd}/s`, resolve);
    });
  } finally {
    closeSync(fd);
  }
  return server;
}

function bind(destination: string, source: string, readonly: boolean): Mount {
  // With `ro` alone what is mounted below the source, which may be the user's directory, could be written to.
  const access = readonly ? ['rro'] : [];
  return { destination, type: 'bind', source, options: ['rbind', ...access] };
}

function dress(path: string, { uid, gid, mode: bits }: FileDress): void {
  chownSync(path, uid, gid);
  chmodSync(path, bits);
}

/** Makes directories look like others. */
class Dresser {
  /** Set at the end, since what is put into a directory changes its time. */
  readonly #times = new Map<RawPath, bigint>();

  copy(from: string, to: string): void {
    const { uid, gid, mode: bits, mtimeNs } = statSync(from, { bigint: true });
    dress(to, { uid: Number(uid), gid: Number(gid), mode: Number(bits & 0o7777n) });
    this.#times.set(toRaw(to.slice(1)), mtimeNs);
  }

  finish(): Promise<void> {
    return writeTimes('/', this.#times);
  }
}
