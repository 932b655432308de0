import { ClocheError } from '../error.ts';

/** The sha256 of a blob as it is stored and sent, `sha256:<64 hex>`: of a layer, compressed. */
export type Digest = `sha256:${string}` & { readonly __digest: never };
/** The sha256 of a layer's *uncompressed* tar. */
export type DiffId = `sha256:${string}` & { readonly __diffId: never };
/** Names a stack of layers: the sha256 over the diffIDs from the lowest up (image-spec/config.md). */
export type ChainId = `sha256:${string}` & { readonly __chainId: never };

/** The digest of bytes at hand. */
export function digestOf(content: string | Uint8Array): Digest {
  return hashed(sha256().update(content));
}

/** A running sha256. Bun's own: importing node:crypto takes longer than a container does. */
export function sha256(): Bun.CryptoHasher {
  return new Bun.CryptoHasher('sha256');
}

/** Ends a running sha256 as a digest, or as the diffID of an uncompressed tar. */
export function hashed<T extends Digest | DiffId = Digest>(hash: Bun.CryptoHasher): T {
  return `sha256:${hash.digest('hex')}` as T;
}

/** @throws {ClocheError} `DIGEST_INVALID` */
export function parseDigest(text: string): Digest {
  if (!/^sha256:[0-9a-f]{64}$/.test(text))
    throw new ClocheError('DIGEST_INVALID', `'${text}' is not a sha256 digest`, {
      class: 'invalid-argument',
      hint: 'A digest is sha256: followed by 64 lower-case hexadecimal digits.',
    });
  return text as Digest;
}

/** The hexadecimal half, which is what files and folders are named after. */
export function hexOf(digest: Digest | DiffId | ChainId): string {
  return digest.slice('sha256:'.length);
}

/** The chainID of `layer` on top of `parent`; the lowest layer's is its diffID. */
export function chainOf(parent: ChainId | undefined, layer: DiffId): ChainId {
  if (parent === undefined) return layer as string as ChainId;
  return digestOf(`${parent} ${layer}`) as string as ChainId;
}

/** The chainID of a whole stack, lowest layer first; undefined for an image without layers. */
export function chainOfAll(layers: readonly DiffId[]): ChainId | undefined {
  return layers.reduce<ChainId | undefined>(chainOf, undefined);
}
