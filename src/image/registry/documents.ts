import { ClocheError } from '../../error.ts';
import { z } from '../../zod.ts';
import type { DiffId, Digest } from '../digest.ts';
import { MEDIA, verifyLayerType } from '../manifest.ts';

/** Docker's own types of schema 2, which mean the same as the OCI's. */
const DOCKER = {
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
} as const;

/** What manifests we take, for `Accept`. */
export const ACCEPT = [MEDIA.index, MEDIA.manifest, DOCKER.list, DOCKER.manifest].join(', ');

const Digested = z.custom<Digest>((value) => /^sha256:[0-9a-f]{64}$/.test(String(value)), {
  error: 'is not a sha256 digest',
});
const Pointer = z.object({
  mediaType: z.string(),
  digest: Digested,
  size: z.int().min(0),
});
const ManifestShape = z.object({
  schemaVersion: z.literal(2),
  config: Pointer,
  layers: z.array(Pointer).max(1000),
});
const IndexShape = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(
    Pointer.extend({
      platform: z
        .object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
        .optional(),
      annotations: z.record(z.string(), z.string()).nullish(),
    }),
  ),
});

/** As much of a config as is looked at here; its bytes are kept as they are. */
const ConfigShape = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
  created: z.string().nullish(),
  rootfs: z.object({
    type: z.literal('layers'),
    diff_ids: z.array(z.custom<DiffId>((value) => /^sha256:[0-9a-f]{64}$/.test(String(value)))),
  }),
});

export type ConfigDocument = z.infer<typeof ConfigShape>;

/** Digest, size in bytes and type of a blob or manifest, whatever else its descriptor said. */
export type Pointer = z.infer<typeof Pointer>;
export type ManifestDocument = z.infer<typeof ManifestShape>;
export type IndexDocument = z.infer<typeof IndexShape>;

export type Document =
  | { readonly kind: 'manifest'; readonly mediaType: string; readonly manifest: ManifestDocument }
  | { readonly kind: 'index'; readonly mediaType: string; readonly index: IndexDocument };

/**
 * Reads the bytes of a manifest or an index, OCI's or docker's schema 2.
 *
 * @param said the media type that the registry gave, which counts where the document is silent
 * @param name for words, `debian:bookworm`
 * @throws {ClocheError} `MANIFEST_INVALID`, `MEDIA_TYPE_UNSUPPORTED`
 */
export function readDocument(bytes: Uint8Array, said: string | undefined, name: string): Document {
  const value = parse(bytes, said, name);
  const mediaType = String(value.mediaType ?? said ?? '');
  if (mediaType === MEDIA.index || mediaType === DOCKER.list)
    return { kind: 'index', mediaType, index: shaped(IndexShape, value, name) };
  if (mediaType === MEDIA.manifest || mediaType === DOCKER.manifest)
    return { kind: 'manifest', mediaType, manifest: imageManifest(value, name) };
  const isOld = /manifest\.v1\+/.test(mediaType) || value.schemaVersion === 1;
  throw unsupported(
    isOld ? `'${name}' is of docker's schema 1` : `'${name}' is of unknown type '${mediaType}'`,
    isOld ? 'Nobody has written it since 2017; pull and push it with an old docker.' : undefined,
  );
}

/** Reads an image config. @throws {ClocheError} `MANIFEST_INVALID` */
export function readConfig(bytes: Uint8Array, name: string): ConfigDocument {
  return shaped(ConfigShape, parse(bytes, undefined, name), name);
}

function imageManifest(value: unknown, name: string): ManifestDocument {
  const manifest = shaped(ManifestShape, value, name);
  const { config, layers } = manifest;
  if (config.mediaType !== MEDIA.config && config.mediaType !== DOCKER.config)
    throw unsupported(
      `'${name}' is no image: its config is '${config.mediaType}'`,
      'Registries also keep charts, signatures and other artifacts.',
    );
  for (const layer of layers) verifyLayerType(layer);
  return manifest;
}

function parse(bytes: Uint8Array, said: string | undefined, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw invalid(name, said?.startsWith('text/html') ? 'it is a web page' : 'it is not JSON');
}

function shaped<T>(shape: z.ZodType<T>, value: unknown, name: string): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(name, `${issue?.path.join('.')}: ${issue?.message}`);
}

function invalid(name: string, reason: string): ClocheError {
  return new ClocheError('MANIFEST_INVALID', `the manifest of '${name}' is invalid: ${reason}`, {
    class: 'unavailable',
    hint: 'Is it a registry that answered? Push the image again if it is yours.',
  });
}

function unsupported(message: string, hint: string | undefined): ClocheError {
  return new ClocheError('MEDIA_TYPE_UNSUPPORTED', message, {
    class: 'invalid-argument',
    hint: hint ?? 'cloche reads images of the OCI and of docker (schema 2).',
  });
}
