import { ClocheError } from '../../error.ts';
import type { DiffId, Digest } from '../../image/index.ts';
import { z } from '../../zod.ts';
import { CACHE_KEY, type CacheDocument } from './document.ts';

/** A config that has come from elsewhere, as far as its cache is concerned. */
export interface CacheConfig {
  readonly diffIds: readonly DiffId[];
  readonly document: CacheDocument;
}

const Sha256 = <T extends string>() =>
  z.custom<T>((value) => /^sha256:[0-9a-f]{64}$/.test(String(value)));
const Shape = z.object({
  rootfs: z.object({ diff_ids: z.array(Sha256<DiffId>()) }),
  [CACHE_KEY]: z.object({
    version: z.literal(1),
    steps: z.array(z.object({ key: Sha256<Digest>(), layers: z.array(z.int().min(0)) })),
  }),
});

/** @throws {ClocheError} `CACHE_INVALID`: there is no cache in this config */
export function readCacheConfig(bytes: Uint8Array): CacheConfig {
  const found = Shape.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (found.success)
    return { diffIds: found.data.rootfs.diff_ids, document: found.data[CACHE_KEY] };
  throw new ClocheError('CACHE_INVALID', 'the image carries no build cache', {
    class: 'invalid-argument',
    hint: 'build it with --cache-to type=inline; caches that BuildKit has written are not read',
  });
}
