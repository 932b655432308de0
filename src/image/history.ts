import { configOf, type Image } from './images.ts';
import type { HistoryEntry } from './manifest.ts';
import { type Snapshot, stackOf } from './snapshots.ts';
import type { Store } from './store.ts';

/** An instruction, and the layer that it made if it made one. */
export interface HistoryLine {
  readonly entry: HistoryEntry;
  readonly layer: Snapshot | undefined;
}

/**
 * An image's instructions with their layers, the oldest first. Layers that the history says nothing
 * of, since whoever made the image left it out, stand at its end without words.
 *
 * @throws {ClocheError} `SNAPSHOT_NOT_FOUND`, `BLOB_MISSING`
 */
export function historyOf(store: Store, image: Pick<Image, 'id' | 'chainId'>): HistoryLine[] {
  const layers = stackOf(store, image.chainId).reverse();
  const lines = configOf(store, image).history.map((entry) => ({
    entry,
    layer: entry.empty_layer === true ? undefined : layers.shift(),
  }));
  return [...lines, ...layers.map((layer) => ({ entry: {}, layer }))];
}
