import { ClocheError } from '../error.ts';
import type { Digest } from './digest.ts';

/** The name of an image, in full: `debian` is docker.io, library/debian, and by default `latest`. */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string | undefined;
  readonly digest?: Digest | undefined;
}

const HUB = 'docker.io';
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?$`);
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Reads `debian`, `debian:bookworm`, `localhost:5000/a/b:1`, `debian@sha256:…` with docker's rules
 * of normalisation. A name without tag and digest stays so; see `withTag`.
 *
 * Source: distribution/reference, `reference.go` and `normalize.go`.
 * @throws {ClocheError} `REFERENCE_INVALID`, in docker's words.
 */
export function parseReference(text: string): Reference {
  if (/^[0-9a-f]{64}$/.test(text))
    throw invalid(
      text,
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    );
  const { name, tag, digest } = splitTail(text);
  const { domain, path } = splitDomain(name);
  if (path !== path.toLowerCase())
    throw invalid(text, `invalid reference format: repository name (${path}) must be lowercase`);
  if (!DOMAIN.test(domain) || !PATH.test(path) || (tag !== undefined && !TAG.test(tag)))
    throw invalid(text, 'invalid reference format');
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw invalid(text, 'invalid reference format');
  if (domain.length + path.length + 1 > 255)
    throw invalid(text, 'repository name must not be more than 255 characters');
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: digest as Digest }),
  };
}

/** The same name with `latest` where it says neither a tag nor a digest. */
export function withTag(reference: Reference): Reference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: 'latest' };
}

/** In full, as it is stored: `docker.io/library/debian:bookworm`. */
export function canonical(reference: Reference): string {
  return `${reference.domain}/${reference.path}${tail(reference)}`;
}

/** As people write it: `debian:bookworm`. */
export function familiar(reference: Reference): string {
  return `${familiarName(reference)}${tail(reference)}`;
}

/** The familiar name without tag and digest, docker's REPOSITORY. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== HUB) return `${domain}/${path}`;
  const official = path.startsWith('library/') ? path.slice('library/'.length) : path;
  return official.includes('/') ? path : official;
}

function tail({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function splitTail(text: string) {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  // A colon before the last slash belongs to a port, not to a tag.
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  return {
    name: tagged ? named.slice(0, colon) : named,
    tag: tagged ? named.slice(colon + 1) : undefined,
    digest,
  };
}

/** The first component is a registry only if it looks like one; else the name is on docker.io. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const domain = isDomain ? first : HUB;
  const path = isDomain ? name.slice(slash + 1) : name;
  if (domain !== HUB && domain !== 'index.docker.io') return { domain, path };
  return { domain: HUB, path: path.includes('/') || path === '' ? path : `library/${path}` };
}

function invalid(text: string, message: string): ClocheError {
  return new ClocheError('REFERENCE_INVALID', message, {
    class: 'invalid-argument',
    hint: `'${text}' is not an image name; one looks like debian:bookworm or localhost:5000/team/app:1.`,
    details: { reference: text },
  });
}
