import { ClocheError } from '../error.ts';
import type { DiffId, Digest } from './digest.ts';

/** The media types that cloche writes (image-spec/media-types.md). */
export const MEDIA = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/** Points at a blob. `size` is in bytes, of the blob as it is stored. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/** `linux`, `arm`, `v7` */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** image-spec/manifest.md */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec/image-index.md; `index.json` of the layout is one. */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType: typeof MEDIA.index;
  readonly manifests: readonly Descriptor[];
}

/** What a container of the image is started with (image-spec/config.md), plus docker's additions. */
export interface ContainerConfig {
  readonly User?: string;
  /** `KEY=value` */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  /** `3000/tcp` → {} */
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly Volumes?: Readonly<Record<string, Record<string, never>>>;
  readonly StopSignal?: string;
  readonly Shell?: readonly string[];
  readonly Healthcheck?: Healthcheck;
  /** Instructions for whoever builds on the image. */
  readonly OnBuild?: readonly string[];
}

/** Docker's; durations in nanoseconds. */
export interface Healthcheck {
  readonly Test: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  /** RFC 3339. */
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  /** True where the instruction made no layer. */
  readonly empty_layer?: boolean;
}

/** The image config, the blob that a manifest's `config` points at. */
export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
  readonly os: string;
  readonly config: ContainerConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly DiffId[] };
  readonly history: readonly HistoryEntry[];
}

/**
 * An image config with its gaps filled: others leave out what is empty, or write `null`, as docker
 * does. Ours never has either.
 */
export function plainConfig(config: Partial<ImageConfig>): ImageConfig {
  const { rootfs, history, ...rest } = withoutNulls(config);
  return {
    ...rest,
    architecture: rest.architecture ?? ARCHITECTURE,
    os: rest.os ?? 'linux',
    config: withoutNulls(rest.config ?? {}),
    rootfs: { type: 'layers', diff_ids: rootfs?.diff_ids ?? [] },
    history: history ?? [],
  };
}

function withoutNulls<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null)) as T;
}

/** This machine's architecture by its name in image configs. */
export const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** The OCI's media types of layers. */
export const LAYER_TYPES = {
  gzip: MEDIA.layer,
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  none: 'application/vnd.oci.image.layer.v1.tar',
} as const;

/** Docker's for the same, as far as anybody writes them, and what they are for the OCI. */
const DOCKER_LAYERS: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar.gzip': LAYER_TYPES.gzip,
  'application/vnd.docker.image.rootfs.diff.tar.zstd': LAYER_TYPES.zstd,
  'application/vnd.docker.image.rootfs.diff.tar': LAYER_TYPES.none,
};

/** Whether all of it has the OCI's media types; a manifest need not say its own. */
export function isOci({
  mediaType = MEDIA.manifest,
  config,
  layers,
}: Partial<Manifest> & Pick<Manifest, 'config' | 'layers'>): boolean {
  const types = [mediaType, config.mediaType, ...layers.map((layer) => layer.mediaType)];
  return types.every((type) => type.startsWith('application/vnd.oci.'));
}

/** A manifest of docker's as the OCI writes it: the same blobs by other names. */
export function toOci({ config, layers, annotations }: Manifest): Manifest {
  return {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: { ...config, mediaType: MEDIA.config },
    layers: layers.map((layer) => ({
      ...layer,
      mediaType: DOCKER_LAYERS[layer.mediaType] ?? layer.mediaType,
    })),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** @throws {ClocheError} `MEDIA_TYPE_UNSUPPORTED`: it is no layer that cloche reads. */
export function verifyLayerType({ mediaType, digest }: Descriptor): void {
  if ([...Object.values(LAYER_TYPES), ...Object.keys(DOCKER_LAYERS)].includes(mediaType)) return;
  const isForeign = /foreign|nondistributable/.test(mediaType);
  throw new ClocheError(
    'MEDIA_TYPE_UNSUPPORTED',
    `layer '${digest}' has the media type '${mediaType}'`,
    {
      class: 'invalid-argument',
      hint: isForeign
        ? 'Such layers are not in the registry but at their owner; they are those of Windows images.'
        : 'It is no layer of a container image; the name may be that of another kind of artifact.',
      details: { mediaType },
    },
  );
}
