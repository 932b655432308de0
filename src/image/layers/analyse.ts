import type { DiffId } from '../digest.ts';
import { historyOf } from '../history.ts';
import type { Image } from '../images.ts';
import type { RawPath } from '../layer/scan.ts';
import type { Store } from '../store.ts';
import { type Change, MergedTree } from './merge.ts';

/** One instruction of an image, and what the layer that it made did; without one, nothing. */
export interface Instruction {
  /** As the image's history has it; empty where the history says nothing. */
  readonly createdBy: string;
  readonly diffId: DiffId | undefined;
  readonly changes: readonly Change[];
  /** Files and links, without directories. */
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  /** Bytes of files that the layer holds. */
  readonly size: number;
  /** Those of them that a later layer deletes or replaces. */
  readonly wasted: number;
}

/** A file whose bytes nobody sees any more. */
export interface WastedFile {
  readonly path: RawPath;
  readonly size: number;
  /** The instruction that brought them, by its place. */
  readonly from: number;
}

export interface Analysis {
  readonly instructions: readonly Instruction[];
  /** Bytes of all layers. */
  readonly size: number;
  readonly wasted: number;
  /** The part of all bytes that can be seen, from 0 to 1. */
  readonly efficiency: number;
  /** The largest first. */
  readonly wastedFiles: readonly WastedFile[];
}

/**
 * What each instruction of an image added, changed and deleted, read from the layers' directories.
 *
 * @throws {ClocheError} `SNAPSHOT_NOT_FOUND`, `BLOB_MISSING`
 */
export function analyse(store: Store, image: Pick<Image, 'id' | 'chainId'>): Analysis {
  const tree = new MergedTree();
  const lines = historyOf(store, image);
  const changes = lines.map(({ layer }) => (layer === undefined ? [] : tree.apply(layer)));
  // From a layer's number to its instruction's place, since instructions without a layer have none.
  const places = lines.flatMap(({ layer }, place) => (layer === undefined ? [] : [place]));
  const wastedFiles = tree.lost
    .map(({ path, content }) => ({
      path,
      size: content.size,
      from: places[content.layer] ?? 0,
    }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size);
  const instructions = lines.map(({ entry, layer }, place) => ({
    createdBy: entry.created_by ?? '',
    diffId: layer?.diffId,
    changes: changes[place] ?? [],
    ...counts(changes[place] ?? []),
    wasted: sum(wastedFiles.filter(({ from }) => from === place)),
  }));
  const [size, wasted] = [sum(instructions), sum(wastedFiles)];
  const efficiency = size === 0 ? 1 : (size - wasted) / size;
  return { instructions, size, wasted, efficiency, wastedFiles };
}

function counts(changes: readonly Change[]) {
  const files = changes.filter(({ isDirectory }) => !isDirectory);
  const of = (kind: Change['kind']) => files.filter((change) => change.kind === kind);
  return {
    added: of('added').length,
    changed: of('changed').length,
    deleted: of('deleted').length,
    size: sum(files.filter(({ kind }) => kind !== 'deleted')),
  };
}

function sum(sized: readonly { readonly size: number }[]): number {
  return sized.reduce((total, { size }) => total + size, 0);
}
