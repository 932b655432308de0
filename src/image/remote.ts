import type { Digest } from './digest.ts';
import type { ManifestDocument, Pointer } from './registry/documents.ts';

/** An image that is elsewhere, in a registry or a directory: its documents are here, its layers not. */
export interface RemoteImage {
  readonly manifest: ManifestDocument;
  /** The config's bytes, their digest verified. */
  readonly config: Uint8Array;
  /** A layer's blob as it is. @throws what reading it throws: that depends on where it lies */
  read(blob: Pointer): AsyncIterable<Uint8Array>;
}

/** A manifest whose blobs are in the store, to be written elsewhere. */
export interface OutgoingManifest {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}
