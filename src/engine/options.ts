import type { HostEntry } from '../build/index.ts';
import type { Rlimit } from '../linux/rlimits.ts';
import type { PortSpec } from './ports/index.ts';

/** How a container is to be run: what `cloche run` can say, in docker's words. */
export interface RunOptions {
  readonly image: string;
  /** Replaces the image's Cmd; empty means the image's own. */
  readonly command: readonly string[];
  readonly entrypoint?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly detach: boolean;
  /** Remove it when it ends. */
  readonly remove: boolean;
  readonly privileged: boolean;
  /** `KEY=value`, or `KEY` for our own value. */
  readonly env: readonly string[];
  readonly workdir?: string | undefined;
  /** `user`, `uid`, `user:group`, `uid:gid`. */
  readonly user?: string | undefined;
  /** `source:target[:ro]`; a source without a slash is the name of a volume. */
  readonly volumes: readonly string[];
  readonly hostname?: string | undefined;
  readonly network: 'bridge' | 'host' | 'none';
  /** What of its ports shall be reached from outside; only on the bridge. */
  readonly publish?: readonly PortSpec[] | undefined;
  /** All that it exposes as well. */
  readonly publishAll?: boolean | undefined;
  /** `80/tcp`, beside what the image exposes. */
  readonly expose?: readonly string[] | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  /** CPUs, such as 0.5. */
  readonly cpus?: number | undefined;
  readonly pidsLimit?: number | undefined;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** More lines of `/etc/hosts`; the address may be `host-gateway`. */
  readonly hosts?: readonly HostEntry[] | undefined;
  /** Of `/dev/shm`, in bytes. */
  readonly shmSize?: number | undefined;
  readonly ulimits?: readonly Rlimit[] | undefined;
}

export const DEFAULT_OPTIONS: Omit<RunOptions, 'image'> = {
  command: [],
  tty: false,
  interactive: false,
  detach: false,
  remove: false,
  privileged: false,
  env: [],
  volumes: [],
  network: 'bridge',
  capAdd: [],
  capDrop: [],
};
