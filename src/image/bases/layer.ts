import { configOf, type Image } from '../images.ts';
import { youngest } from '../layer/times.ts';
import {
  ARCHITECTURE,
  type ContainerConfig,
  type HistoryEntry,
  type ImageConfig,
} from '../manifest.ts';
import { type ActiveSnapshot, commit, discard, prepare, type Snapshot } from '../snapshots.ts';
import type { Kitchen } from './make.ts';

/**
 * Makes one layer on top of an image, or the first of one: `fill` writes to the snapshot's upper
 * directory. If that throws, nothing is left.
 */
export async function makeLayer(
  { store, say }: Kitchen,
  below: Image | undefined,
  fill: (active: ActiveSnapshot) => Promise<void>,
): Promise<Snapshot> {
  const active = prepare(store, below?.chainId);
  try {
    await fill(active);
    say('commit', 'writing the layer');
    return await commit(store, active);
  } catch (error) {
    discard(store, active);
    throw error;
  }
}

/** What a layer adds to the image's config. */
export interface Addition {
  /** What it is and where it came from, for `dev.cloche.base`. */
  readonly says: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** For the image's history: the layer's own line. */
  readonly createdBy: string;
  /** Replaces, key by key, what the image below has; `Env` is added to it. */
  readonly config?: ContainerConfig;
}

/** The config of the image below with one layer more. */
export function configOnTop(
  { store }: Kitchen,
  below: Image | undefined,
  layer: Snapshot,
  addition: Addition,
): ImageConfig {
  const under = below === undefined ? undefined : configOf(store, below);
  const { Env = [], ...rest } = addition.config ?? {};
  // Of its packages, and not of the moment: so that the same packages give the same image.
  const created = youngest(layer.directory).toISOString();
  const ownHistory: HistoryEntry = { created, created_by: addition.createdBy, comment: 'cloche' };
  return {
    created,
    architecture: ARCHITECTURE,
    os: 'linux',
    config: {
      ...under?.config,
      ...rest,
      Env: [...(under?.config.Env ?? [PATH]), ...Env],
      Labels: {
        ...under?.config.Labels,
        'dev.cloche.base': `made on this machine ${addition.says}, not the registry's image`,
        ...addition.labels,
      },
    },
    rootfs: { type: 'layers', diff_ids: [...(under?.rootfs.diff_ids ?? []), layer.diffId] },
    history: [...(under?.history ?? []), ownHistory],
  };
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
