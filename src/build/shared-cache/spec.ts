import { resolve } from 'node:path';
import { ClocheError } from '../../error.ts';
import { parseReference, type Reference, withTag } from '../../image/index.ts';
import { splitCsv } from '../dockerfile/csv.ts';

/** Where a cache is read from; what `--cache-from` says. */
export type CacheSource =
  | { readonly type: 'registry'; readonly reference: Reference }
  | { readonly type: 'local'; readonly directory: string; readonly tag: string };

/** Where a cache is written to; what `--cache-to` says. */
export type CacheTarget = (
  | CacheSource
  /** Into the image's own config. */
  | { readonly type: 'inline' }
) & {
  /** `min`: the steps whose layers the image has; `max`: those of all stages. */
  readonly mode: 'min' | 'max';
  /** A cache that cannot be written does not fail the build. */
  readonly ignoreError: boolean;
};

/**
 * Reads `type=registry,ref=NAME`, `type=local,src=DIRECTORY[,tag=TAG]`, or a reference alone. In
 * buildx' words. Pure.
 *
 * @throws {ClocheError} `CACHE_INVALID`, `REFERENCE_INVALID`
 */
export function readCacheFrom(text: string): CacheSource {
  if (!text.includes('=')) return { type: 'registry', reference: named(text) };
  const fields = fieldsOf('--cache-from', text, ['type', 'ref', 'src', 'tag', 'digest']);
  const type = fields.get('type');
  if (type === 'registry') return { type, reference: named(required(fields, 'ref', text)) };
  if (type === 'local')
    return {
      ...{ type, directory: resolve(required(fields, 'src', text)) },
      tag: fields.get('digest') ?? fields.get('tag') ?? 'latest',
    };
  throw unknown('--cache-from', type, 'local and registry');
}

/**
 * Reads `type=inline`, `type=registry,ref=NAME[,mode=max]`, `type=local,dest=DIRECTORY[,mode=max]`.
 *
 * @throws {ClocheError} `CACHE_INVALID`, `REFERENCE_INVALID`
 */
export function readCacheTo(text: string): CacheTarget {
  const said = text.includes('=')
    ? text
    : `type=${text === 'inline' ? text : `registry,ref=${text}`}`;
  const fields = fieldsOf('--cache-to', said, [
    'type',
    'ref',
    'dest',
    'tag',
    'mode',
    'ignore-error',
  ]);
  const mode = fields.get('mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max')
    throw refused(`invalid cache mode '${mode}'`, 'it is min (the default) or max');
  const how = { mode, ignoreError: fields.get('ignore-error') === 'true' } as const;
  const type = fields.get('type');
  if (type === 'inline') return { type, ...how };
  if (type === 'registry') return { type, reference: named(required(fields, 'ref', text)), ...how };
  if (type === 'local')
    return {
      ...{ type, directory: resolve(required(fields, 'dest', text)), ...how },
      tag: fields.get('tag') ?? 'latest',
    };
  throw unknown('--cache-to', type, 'inline, local and registry');
}

function fieldsOf(flag: string, text: string, keys: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of splitCsv(text)) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(field) ?? [];
    if (key === undefined || value === undefined)
      throw refused(`invalid value '${field}' of ${flag}`, 'it is a list of key=value');
    // What others write for their own registries is none of our business.
    if (!keys.includes(key) && !['compression', 'oci-mediatypes', 'image-manifest'].includes(key))
      throw refused(`unknown key '${key}' in ${flag}`, `known are ${keys.join(', ')}`);
    fields.set(key, value);
  }
  return fields;
}

function required(fields: ReadonlyMap<string, string>, key: string, text: string): string {
  const value = fields.get(key);
  if (value === undefined || value === '')
    throw refused(`${key} is required for type=${fields.get('type')}`, `it was '${text}'`);
  return value;
}

function named(text: string): Reference {
  return withTag(parseReference(text));
}

function unknown(flag: string, type: string | undefined, known: string): ClocheError {
  return refused(
    type === undefined ? `type is required for ${flag}` : `unknown cache type '${type}'`,
    `${known} are supported`,
  );
}

function refused(message: string, hint: string): ClocheError {
  return new ClocheError('CACHE_INVALID', message, { class: 'invalid-argument', hint });
}
