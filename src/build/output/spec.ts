import { ClocheError } from '../../error.ts';
import { splitCsv } from '../dockerfile/csv.ts';

/** Where a build's result goes, as `-o` says it; `dest` is a path, and `-` standard output. */
export type Output =
  /** The files themselves, into a directory. */
  | { readonly type: 'local'; readonly dest: string }
  /** The files, or the image, as one archive. */
  | { readonly type: 'tar' | 'oci' | 'docker'; readonly dest: string }
  /** The store, as without `-o`; and then its registry. */
  | { readonly type: 'image'; readonly push: boolean };

const KEYS = ['type', 'dest', 'name', 'push', 'rewrite-timestamp'];

/**
 * Reads `-o`: `type=…,dest=…`, or a directory's name alone, or `-` for an archive of the files on
 * standard output. In buildx' words. Pure.
 *
 * @throws {ClocheError} `OUTPUT_INVALID`
 */
export function readOutput(text: string): {
  readonly output: Output;
  readonly name?: string | undefined;
} {
  const fields = splitCsv(text);
  if (fields.length === 1 && !text.includes('='))
    return { output: text === '-' ? { type: 'tar', dest: '-' } : { type: 'local', dest: text } };
  const all = new Map(fields.map((field) => split(field)));
  const unknown = [...all.keys()].find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw refused(`unknown key '${unknown}' in '${text}'`);
  // With SOURCE_DATE_EPOCH cloche always does; with BuildKit one has to ask for it.
  if ((all.get('rewrite-timestamp') ?? 'true') !== 'true')
    throw refused(
      'rewrite-timestamp=false is not supported',
      'Build without SOURCE_DATE_EPOCH, and times stay as they are.',
    );
  const dest = all.get('dest');
  const name = all.get('name');
  const push = all.get('type') === 'registry' || all.get('push') === 'true';
  return { output: outputOf(all.get('type'), dest, push), name };
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
  return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1)];
}

function refused(
  message: string,
  hint = 'Types are local, tar, oci, docker, image and registry: -o type=local,dest=out, or -o out.',
): ClocheError {
  return new ClocheError('OUTPUT_INVALID', message, { class: 'invalid-argument', hint });
}
