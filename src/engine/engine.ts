import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../error.ts';
import { type Digest, migrate, openStore, type Store } from '../image/index.ts';
import { detectCgroups, type Hierarchies } from '../linux/cgroup/detect.ts';
import { prepareParent } from '../linux/cgroup/prepare.ts';
import { installedWalker } from '../linux/walker/install.ts';
import type { Machine } from '../runtime/index.ts';
import { ownMachine } from '../runtime/machine.ts';
import { stateRoot } from '../state.ts';
import { SCHEMA } from './life/schema.ts';

/** What every verb of the engine works on. Cheap to open; nothing is held but the database. */
export interface Engine {
  readonly store: Store;
  /** What this machine can give; read once, when it is first needed. */
  readonly machine: Machine;
  /** The cgroup hierarchies as they are mounted: for those who only look, and make nothing. */
  readonly mounted: Hierarchies;
  /** The same below our parent group, which is made ready when it is first needed. */
  readonly hierarchies: Hierarchies;
  readonly walkerSize: number;
}

/** All our cgroups lie in this group, in every hierarchy. */
export const CGROUP_PARENT = '/cloche';

/**
 * Where every container has its root mounted, in the mount namespace that it begins in, until it pivots to
 * it. So one directory is enough for all, and on the host it is empty.
 */
export function mountPointOf({ store: { root } }: Engine): string {
  const path = join(root, 'rootfs');
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o711 });
  return path;
}

/** @throws {ClocheError} `NOT_ROOT`, `STATE_UNREADABLE`, `STATE_TOO_NEW` */
export function openEngine(): Engine {
  if (process.getuid?.() !== 0)
    throw new ClocheError('NOT_ROOT', 'cloche needs root to make containers', {
      class: 'permission-denied',
      hint: 'run the same command with sudo',
    });
  const opened = openStore(stateRoot());
  const store: Store = { ...opened, keeps: () => imagesOfContainers(opened) };
  migrate(store.db, 'engine', SCHEMA);
  return {
    store,
    machine: lazily(ownMachine),
    get mounted() {
      mounted ??= detectCgroups();
      return mounted;
    },
    get hierarchies() {
      hierarchies ??= prepareParent(this.mounted, CGROUP_PARENT);
      return hierarchies;
    },
    get walkerSize() {
      return installedWalker().size;
    },
  };
}

/** A container reads its image's config as long as it lives, even when the image was removed by force. */
function imagesOfContainers({ db }: Store): Digest[] {
  return db
    .query<{ image_id: Digest }, []>('SELECT DISTINCT image_id FROM containers')
    .all()
    .map((row) => row.image_id);
}

let mounted: Hierarchies | undefined;
let hierarchies: Hierarchies | undefined;

/** An object whose fields are read together when the first of them is asked for. */
function lazily<T extends object>(read: () => T): T {
  let content: T | undefined;
  return new Proxy({} as T, {
    get: (_, key) => {
      content ??= read();
      return content[key as keyof T];
    },
  });
}
