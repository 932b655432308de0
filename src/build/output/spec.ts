import { ClocheError } from '../../error.ts';
import type { Compression } from '../../image/layer/decompress.ts';
import { splitCsv } from '../dockerfile/csv.ts';

/** Where a build's result goes, as `-o` says it; `dest` is a path, and `-` standard output. */
export type Output =
  /** The files themselves, into a directory. */
  | { readonly type: 'local'; readonly dest: string }
  /** The files, or the image, as one archive. */
  | { readonly type: 'tar' | 'oci' | 'docker'; readonly dest: string }
  /** The image as a directory in OCI layout. */
  | { readonly type: 'layout'; readonly dest: string }
  /** The store, as without `-o`; and then its registry. */
  | { readonly type: 'image'; readonly push: boolean };

const KEYS = [
  ...['type', 'dest', 'name', 'push', 'rewrite-timestamp', 'tar', 'oci-mediatypes'],
  ...['compression', 'force-compression'],
];

/** What `-o` says beside the place. */
export interface Said {
  readonly output: Output;
  readonly name?: string | undefined;
  /** Of all layers, also of the base image's: as BuildKit's `force-compression`. */
  readonly compression?: Compression | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Reads `-o`: `type=…,dest=…`, or a directory's name alone, or `-` for an archive of the files on
 * standard output. In buildx' words. Pure.
 *
 * @throws {ClocheError} `OUTPUT_INVALID`
 */
export function readOutput(text: string): Said {
  const fields = splitCsv(text);
  if (fields.length === 1 && !text.includes('=')) {
    const output = text === '-' ? ({ type: 'tar', dest: '-' } as const) : undefined;
    return { output: output ?? { type: 'local', dest: text }, annotations: {} };
  }
  const all = new Map(fields.map((field) => split(field)));
  const annotations = takeAnnotations(all);
  const unknown = [...all.keys()].find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw refused(`unknown key '${unknown}' in '${text}'`);
  // With SOURCE_DATE_EPOCH cloche always does; with BuildKit one has to ask for it.
  if ((all.get('rewrite-timestamp') ?? 'true') !== 'true')
    throw refused(
      'rewrite-timestamp=false is not supported',
      'Build without SOURCE_DATE_EPOCH, and times stay as they are.',
    );
  if ((all.get('oci-mediatypes') ?? 'true') !== 'true')
    throw refused(
      'oci-mediatypes=false is not supported',
      'Images have the media types of the OCI.',
    );
  const dest = all.get('dest');
  const name = all.get('name');
  const push = all.get('type') === 'registry' || all.get('push') === 'true';
  const output = asDirectory(outputOf(all.get('type'), dest, push), all.get('tar'));
  return { output, name, compression: compressionOf(all.get('compression')), annotations };
}

/** `annotation.KEY=value`; the keys of another level than the manifest are unknown ones. */
function takeAnnotations(all: Map<string, string>): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const [key, value] of all) {
    const name = /^annotation(?:-manifest)?\.(.+)$/.exec(key)?.[1];
    if (name === undefined) continue;
    annotations[name] = value;
    all.delete(key);
  }
  return annotations;
}

function asDirectory(output: Output, tar: string | undefined): Output {
  if (tar === undefined || tar === 'true') return output;
  if (tar !== 'false' || output.type !== 'oci')
    throw refused(`tar=${tar} is not supported for exporter "${output.type}"`);
  if (output.dest === '-') throw refused('output directory is required for oci exporter');
  return { type: 'layout', dest: output.dest };
}

function compressionOf(text: string | undefined): Compression | undefined {
  if (text === undefined || text === 'gzip' || text === 'zstd') return text;
  if (text === 'uncompressed') return 'none';
  throw refused(`unsupported layer compression type ${text}`, 'gzip, zstd and uncompressed are.');
}

function outputOf(type: string | undefined, dest: string | undefined, push: boolean): Output {
  switch (type) {
    case undefined:
      throw refused('type is required for output');
    case 'local':
      if (dest === undefined || dest === '')
        throw refused('output directory is required for local exporter');
      if (dest === '-') throw refused('dest cannot be stdout for local exporter');
      return { type, dest };
    case 'tar':
    case 'oci':
      return { type, dest: dest ?? '-' };
    case 'docker':
      return dest === undefined ? { type: 'image', push } : { type, dest };
    case 'image':
    case 'registry':
      return { type: 'image', push };
    default:
      throw refused(`exporter "${type}" could not be found`);
  }
}

function split(field: string): [string, string] {
  const at = field.indexOf('=');
  if (at < 0) throw refused(`invalid value ${field}`);
  const key = field.slice(0, at).trim();
  // Of an annotation's name the case matters.
  return [key.startsWith('annotation') ? key : key.toLowerCase(), field.slice(at + 1)];
}

function refused(
  message: string,
  hint = 'Types are local, tar, oci, docker, image and registry: -o type=local,dest=out, or -o out.',
): ClocheError {
  return new ClocheError('OUTPUT_INVALID', message, { class: 'invalid-argument', hint });
}
