import { ClocheError } from '../../error.ts';
import type { Digest } from '../digest.ts';
import { MEDIA, type Platform } from '../manifest.ts';
import { canonical, parseReference, type Reference, withTag } from '../reference.ts';
import {
  type IndexDocument,
  type ManifestDocument,
  type Pointer,
  readDocument,
} from '../registry/documents.ts';
import { selectManifest } from '../registry/platform.ts';
import { blobName, readBlob } from './blob-file.ts';
import { type Content, invalid } from './content.ts';

/** A manifest of an archive, its bytes as they are there. */
export interface FoundManifest {
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly document: ManifestDocument;
}

export interface FoundImage {
  readonly manifest: FoundManifest;
  readonly names: readonly Reference[];
}

/** Indexes may point at indexes, but nobody has reason to go deeper. */
const DEPTH = 4;

/**
 * The images of an OCI layout: for each name its manifest for the platform, and those without a name.
 *
 * @throws {ClocheError} `ARCHIVE_INVALID`, `MANIFEST_INVALID`, `PLATFORM_NOT_FOUND`
 */
export function imagesOfIndex(content: Content, platform: Platform): FoundImage[] {
  const found = new Map<Digest, { manifest: FoundManifest; names: Reference[] }>();
  for (const [name, entries] of byName(topOf(content))) {
    const chosen = name === '' || entries.length === 1 ? entries : [pick(entries, platform)];
    for (const entry of chosen) {
      const manifest = descend(content, entry, platform, DEPTH);
      const image = found.get(manifest.digest) ?? { manifest, names: [] };
      if (name !== '') image.names.push(withTag(parseReference(name)));
      found.set(manifest.digest, image);
    }
  }
  if (found.size === 0) throw invalid("its 'index.json' lists no image");
  return [...found.values()];
}

/**
 * One image of an OCI layout: by its digest, by its name or a name's tag, or the only one there is.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`; as `imagesOfIndex`
 */
export function imageOfIndex(
  content: Content,
  which: string | undefined,
  platform: Platform,
): FoundManifest {
  const entries = topOf(content);
  const [only, ...more] =
    which === undefined
      ? entries
      : entries.filter(({ digest, annotations }) => {
          const name = annotations?.['org.opencontainers.image.ref.name'] ?? '';
          return digest === which || name === which || name.endsWith(`:${which}`);
        });
  if (only === undefined || (which === undefined && more.length > 0))
    throw new ClocheError(
      'IMAGE_NOT_FOUND',
      which === undefined
        ? `the layout has ${entries.length} images`
        : `the layout has no image '${which}'`,
      { class: 'not-found', hint: 'name one of them: oci-layout://DIRECTORY:TAG or @sha256:…' },
    );
  const chosen = more.length === 0 ? only : pick([only, ...more], platform);
  return descend(content, chosen, platform, DEPTH);
}

/** All image manifests that the layout has, for whatever platform. */
export function manifestsOf(content: Content): FoundManifest[] {
  return topOf(content).flatMap((entry) => all(content, entry, DEPTH));
}

type Entries = IndexDocument['manifests'];

function topOf(content: Content): Entries {
  const top = readDocument(content.read('index.json'), MEDIA.index, 'index.json');
  if (top.kind !== 'index') throw invalid("its 'index.json' is a manifest");
  return top.index.manifests.filter(isImage);
}

/** Attestations are listed as manifests for a platform that nobody has. */
function isImage({ platform }: Entries[number]): boolean {
  return platform?.os !== 'unknown';
}

function byName(entries: Entries): Map<string, Entries> {
  return Map.groupBy(entries, ({ annotations }) => nameIn(annotations ?? {}));
}

/** containerd's is a whole name; the OCI's may be one, or a mere tag, which names nothing here. */
function nameIn(annotations: Readonly<Record<string, string>>): string {
  const whole = annotations['io.containerd.image.name'];
  const either = annotations['org.opencontainers.image.ref.name'] ?? '';
  const name = whole ?? (/[:/]/.test(either) ? either : '');
  return name === '' ? '' : canonical(withTag(parseReference(name)));
}

function pick(manifests: Entries, platform: Platform): Pointer {
  return selectManifest({ schemaVersion: 2, manifests }, platform);
}

function descend(
  content: Content,
  entry: Pointer,
  platform: Platform,
  depth: number,
): FoundManifest {
  const bytes = readBlob(content, entry.digest);
  const document = readDocument(bytes, entry.mediaType, entry.digest);
  if (document.kind === 'manifest')
    return {
      ...{ digest: entry.digest, bytes, mediaType: document.mediaType },
      document: document.manifest,
    };
  if (depth === 0) throw invalid('its indexes point at indexes without an end');
  return descend(content, selectManifest(document.index, platform), platform, depth - 1);
}

/** Archives of one platform keep the index over all, so what it points at may be missing. */
function all(content: Content, entry: Entries[number], depth: number): FoundManifest[] {
  if (depth === 0 || !isImage(entry) || !content.has(blobName(entry.digest))) return [];
  const bytes = readBlob(content, entry.digest);
  const document = readDocument(bytes, entry.mediaType, entry.digest);
  if (document.kind === 'index')
    return document.index.manifests.flatMap((below) => all(content, below, depth - 1));
  const { mediaType, manifest } = document;
  return [{ digest: entry.digest, bytes, mediaType, document: manifest }];
}
