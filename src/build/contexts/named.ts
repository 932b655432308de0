import { resolve } from 'node:path';
import { ClocheError } from '../../error.ts';
import { familiar, type Platform, parseReference, type Store, withTag } from '../../image/index.ts';
import { type FetchOptions, withContext } from './fetched.ts';

/** Where a named context comes from; what `--build-context` says. */
export type NamedSource =
  | { readonly kind: 'image'; readonly reference: string }
  /** A directory in OCI layout, and which of its images: a tag or a digest. */
  | { readonly kind: 'layout'; readonly directory: string; readonly which: string | undefined }
  /** A directory, an archive or a git repository. */
  | { readonly kind: 'files'; readonly context: string };

/** An image, of this machine's platform if none is said. */
export interface ImageOrigin {
  readonly kind: 'image';
  readonly reference: string;
  readonly platform?: Platform | undefined;
}

/** What such a name stands for in a Dockerfile, before all stages and images of that name. */
export type NamedOrigin = ImageOrigin | { readonly kind: 'files'; readonly name: string };

/** The same with its files on this machine. */
export type NamedPlace = NamedOrigin &
  ({ readonly kind: 'image' } | { readonly kind: 'files'; readonly directory: string });

/** By name: see `nameOfContext`. */
export type NamedContexts = ReadonlyMap<string, NamedOrigin>;
export type NamedPlaces = ReadonlyMap<string, NamedPlace>;

/**
 * Does `action` with what `--build-context` names: layouts loaded, archives and repositories fetched
 * for as long as it lasts.
 *
 * @throws {ClocheError} `CONTEXT_INVALID`; as `withContext` and `loadLayout`
 */
export async function withNamedContexts<T>(
  store: Store,
  texts: readonly string[],
  options: FetchOptions,
  action: (places: NamedPlaces) => Promise<T>,
): Promise<T> {
  const places = new Map<string, NamedPlace>();
  const next = async ([text, ...rest]: readonly string[]): Promise<T> => {
    if (text === undefined) return action(places);
    const [name, source] = parseNamedContext(text);
    if (source.kind === 'image') places.set(name, source);
    if (source.kind === 'layout') {
      const { loadLayout } = await import('../../image/archive/index.ts');
      const { id } = await loadLayout(store, source.directory, source.which, options);
      places.set(name, { kind: 'image', reference: id });
    }
    if (source.kind !== 'files') return next(rest);
    // Its Dockerfile, if it has one, is none of ours.
    return withContext(store, { context: source.context, file: '.' }, options, (place) => {
      places.set(name, { kind: 'files', name, directory: place.context });
      return next(rest);
    });
  };
  return next(texts);
}

/**
 * Reads `NAME=docker-image://REFERENCE`, `NAME=oci-layout://DIRECTORY[:TAG|@DIGEST]`, `NAME=PATH` and
 * `NAME=URL`. Source: docker buildx build, `--build-context`.
 *
 * @throws {ClocheError} `CONTEXT_INVALID`
 */
export function parseNamedContext(text: string): readonly [name: string, source: NamedSource] {
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new ClocheError('CONTEXT_INVALID', `invalid context value: ${text}, expected key=value`, {
      class: 'invalid-argument',
      hint: 'write --build-context name=./directory, or name=docker-image://debian:bookworm',
    });
  return [nameOfContext(name), sourceOf(value)];
}

/** `Alpine`, `alpine:latest` and `docker.io/library/alpine` are one name; so are `Src` and `src`. */
export function nameOfContext(text: string): string {
  try {
    return familiar(withTag(parseReference(text.toLowerCase())));
  } catch {
    return text.toLowerCase();
  }
}

function sourceOf(value: string): NamedSource {
  const [, scheme, rest = ''] = /^([a-z-]+):\/\/(.*)$/s.exec(value) ?? [];
  if (scheme === 'docker-image') return { kind: 'image', reference: rest };
  if (scheme === 'oci-layout') {
    const [, directory = rest, which] = /^(.*?)(?:@(.+)|:([^/:]+))?$/s.exec(rest) ?? [];
    const tag = /:([^/:@]+)$/.exec(rest)?.[1];
    return { kind: 'layout', directory: resolve(directory), which: which ?? tag };
  }
  if (scheme === 'target' || scheme === 'input')
    throw new ClocheError('CONTEXT_INVALID', `unsupported context source ${scheme} for ${value}`, {
      class: 'invalid-argument',
      hint: 'a directory, an archive, a git URL, docker-image:// and oci-layout:// are supported',
    });
  return { kind: 'files', context: value };
}
