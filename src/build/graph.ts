import { posix } from 'node:path';
import {
  type ChainId,
  type ContainerConfig,
  type Digest,
  digestOf,
  type HistoryEntry,
  type Platform,
} from '../image/index.ts';
import type { Rlimit } from '../linux/rlimits.ts';
import type { Heredoc } from './dockerfile/heredoc.ts';
import type { Additions } from './dockerfile/instruction.ts';
import type { RunMount } from './dockerfile/mount.ts';
import type { Place } from './dockerfile/source.ts';

/**
 * A build as data: what is done, on top of what. Content-addressed: two vertices that would do the
 * same to the same have one id, whatever Dockerfile they come from. Building one does no I/O.
 */
export interface Graph {
  /** Inputs before those who need them. */
  readonly vertices: readonly Vertex[];
  /** The last vertex of the target stage; its layers are the image's. */
  readonly result: Digest;
  readonly config: ContainerConfig;
  readonly platform: Platform;
  readonly author: string | undefined;
  readonly history: readonly HistoryStep[];
}

export interface Vertex {
  /** Of the operation and its inputs' ids. */
  readonly id: Digest;
  readonly op: Operation;
  /**
   * What it stands on first; then, of a COPY, what it copies from; of a RUN, what its mounts are taken
   * from, which say the input by its number.
   */
  readonly inputs: readonly Digest[];
  /** `[build 2/4] RUN make`, for people. */
  readonly name: string;
  readonly place: Place;
}

export type Operation =
  /** An image's layers, or with no chainID none. */
  | { readonly kind: 'base'; readonly reference: string; readonly chainId: ChainId | null }
  | RunOperation
  | CopyOperation
  | WorkdirOperation;

/** Makes a directory, with its parents, unless it is there. */
export interface WorkdirOperation {
  readonly kind: 'workdir';
  readonly path: string;
  /** Whose it is to be, as USER says it; left out for root, so that the vertex has the id that it always had. */
  readonly user?: string | undefined;
}

export interface RunOperation {
  readonly kind: 'run';
  readonly argv: readonly string[];
  /** `KEY=value` */
  readonly env: readonly string[];
  readonly cwd: string;
  /** `name`, `uid`, `name:group`; '' is root. */
  readonly user: string;
  readonly network: string;
  readonly security: 'sandbox' | 'insecure';
  /** Left out where it is as always, so that the vertex has the id that it always had. */
  readonly surroundings?: Surroundings | undefined;
  /** In the order of the flags. */
  readonly mounts: readonly OperationMount[];
}

/** What a build gives to all its RUNs. */
export interface Surroundings {
  /** More lines of `/etc/hosts`. */
  readonly hosts?: readonly HostEntry[] | undefined;
  /** Of `/dev/shm`, in bytes. */
  readonly shmSize?: number | undefined;
  readonly ulimits?: readonly Rlimit[] | undefined;
  /** By default `buildkitsandbox`. */
  readonly hostname?: string | undefined;
}

export interface HostEntry {
  readonly name: string;
  /** IPv4 or IPv6, or `host-gateway`: the address at which a container reaches this machine. */
  readonly address: string;
}

/** A mount of RUN with an absolute target, and what `from` names found. */
export type OperationMount = WithOrigin<RunMount> | ScriptMount;

/** A heredoc with `#!`: a file that anybody may execute, in nobody's layer. */
export interface ScriptMount {
  readonly type: 'script';
  readonly target: string;
  readonly content: string;
}

/** What a mount's files are taken from: an input of the vertex by its number, or nothing. */
export type MountOrigin = 'context' | 'nothing' | number;

type WithOrigin<M> = M extends { readonly from: string | undefined }
  ? Omit<M, 'from'> & { readonly from: MountOrigin }
  : M;

export interface CopyOperation {
  readonly kind: 'copy';
  readonly from: 'context' | 'input';
  /** Which context, by its name; left out where it is the build's own. */
  readonly context?: string | undefined;
  /** Relative to the root of where they come from; may have wildcards. */
  readonly sources: readonly string[];
  readonly inline: readonly Pick<Heredoc, 'name' | 'content'>[];
  /** Absolute; a slash at its end means that it is a directory. */
  readonly target: string;
  readonly chown: string | null;
  /** `0644`, `u+x,go-w`. */
  readonly chmod: string | null;
  /** Made on nothing: links below the target are not followed, and another base changes nothing. */
  readonly link: boolean;
  /** Sources keep the directories above them, or those after `/./`. */
  readonly parents: boolean;
  readonly exclude: readonly string[];
  /** What only ADD does; its sources may be URLs. */
  readonly add: Additions | null;
}

/** Whether what it gives does not depend on what it stands on: it is made apart, and put on top then. */
export function isApart(op: Operation): boolean {
  return op.kind === 'copy' && op.link;
}

/** One line of the image's history; with a vertex it has a layer if that made one. */
export interface HistoryStep {
  readonly entry: HistoryEntry;
  readonly vertex?: Digest | undefined;
}

/** The graph under construction; equal vertices are one. */
export interface Vertices {
  add(op: Operation, inputs: readonly Digest[], name: string, place: Place): Digest;
  list(): Vertex[];
}

export function vertices(): Vertices {
  const known = new Map<Digest, Vertex>();
  return {
    add(op, inputs, name, place) {
      const id = digestOf(JSON.stringify([op, inputs]));
      if (!known.has(id)) known.set(id, { id, op, inputs, name, place });
      return id;
    },
    list: () => [...known.values()],
  };
}

/** `path` as seen from `cwd`, absolute; keeps what says that it is a directory. */
export function absolute(cwd: string, path: string): string {
  const whole = posix.resolve('/', cwd, path);
  const isDirectory = path.endsWith('/') || path === '.' || path.endsWith('/.');
  return isDirectory && whole !== '/' ? `${whole}/` : whole;
}
