import { type Digest, digestOf } from '../digest.ts';
import { type Content, invalid } from './content.ts';

/** Where a blob is in an OCI layout. */
export function blobName(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** A document of the layout, its digest verified. @throws {ClocheError} `ARCHIVE_INVALID` */
export function readBlob(content: Content, digest: Digest): Buffer {
  const bytes = content.read(blobName(digest));
  if (digestOf(bytes) !== digest) throw invalid(`'${blobName(digest)}' has other content`);
  return bytes;
}
