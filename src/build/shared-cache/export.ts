import { writeLayout } from '../../image/archive/layout.ts';
import { type ChainId, digestOf, type Store } from '../../image/index.ts';
import { canonical } from '../../image/reference.ts';
import { writeBlob } from '../../image/store.ts';
import type { Progress } from '../progress.ts';
import { cacheImage, type DoneStep, layersWithin } from './document.ts';
import type { CacheTarget } from './spec.ts';

/** What a build has done. */
export interface Exported {
  readonly steps: readonly DoneStep[];
  /** The image's layers. */
  readonly result: ChainId | undefined;
}

/**
 * Writes what a build has done to where others find it. What stands in the image's own config is
 * none of this.
 *
 * @throws what writing throws, unless the target says that it does not matter; the signal's reason
 */
export async function exportCaches(
  store: Store,
  targets: readonly CacheTarget[],
  exported: Exported,
  { steps, signal }: { readonly steps: Progress; readonly signal: AbortSignal },
): Promise<void> {
  for (const target of targets) {
    if (target.type === 'inline') continue;
    const place = target.type === 'local' ? 'local directory' : canonical(target.reference);
    const step = steps.begin(`exporting cache to ${place}`);
    try {
      await write(store, target, exported, signal);
      step.done();
    } catch (error) {
      signal.throwIfAborted();
      step.failed((error as Error).message);
      if (!target.ignoreError) throw error;
    }
  }
}

async function write(
  store: Store,
  target: Exclude<CacheTarget, { readonly type: 'inline' }>,
  { steps, result }: Exported,
  signal: AbortSignal,
): Promise<void> {
  const isOwn = ({ chain }: DoneStep) => layersWithin(store, result, chain) !== undefined;
  const wanted = target.mode === 'max' ? steps : steps.filter(isOwn);
  const { manifest, bytes, config } = cacheImage(store, wanted);
  writeBlob(store, config);
  const outgoing = { bytes, digest: digestOf(bytes) };
  if (target.type === 'local') {
    writeLayout(store, target.directory, manifest, { ...outgoing, tag: target.tag });
    return;
  }
  const { pushManifest } = await import('../../image/registry/index.ts');
  await pushManifest(store, target.reference, outgoing, { signal });
}
