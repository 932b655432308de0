import { isAbsolute, normalize } from 'node:path';
import { ClocheError } from '../../error.ts';

/** What one `-v` says. */
export interface VolumeSpec {
  /** A path on this machine, or a volume's name; undefined: a volume that has no name yet. */
  readonly source: string | undefined;
  /** Whether the source is a volume's. */
  readonly isVolume: boolean;
  /** Absolute, in the container. */
  readonly target: string;
  /** As it was written: `ro`, `rw,nocopy`. */
  readonly mode: string;
}

const MODES = ['ro', 'rw', 'nocopy', 'z', 'Z'];

/**
 * Reads `-v [source:]target[:mode]`. A source without a slash names a volume; without a source there is a
 * new volume that has no name of its own. Pure.
 *
 * @throws {ClocheError} `VOLUME_INVALID`
 */
export function parseVolume(text: string): VolumeSpec {
  const parts = text.split(':');
  const [source, target = '', mode = ''] = parts.length === 1 ? [undefined, text] : parts;
  if (parts.length > 3 || !isAbsolute(target) || normalize(target) === '/' || source === '')
    throw invalid(
      `invalid volume specification '${text}'`,
      'write -v /path/on/host:/path/in/container, and :ro behind it for read-only',
    );
  const unknown = mode.split(',').find((word) => word !== '' && !MODES.includes(word));
  if (unknown !== undefined)
    throw invalid(`invalid mode '${mode}' for volume '${text}'`, 'there are ro, rw and nocopy');
  const isVolume = source === undefined || !isAbsolute(source);
  if (isVolume && source !== undefined) requireVolumeName(source);
  return { source, isVolume, target, mode };
}

/** @throws {ClocheError} `VOLUME_INVALID`: it would be no directory's name, or that of another place */
export function requireVolumeName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return;
  throw invalid(
    `"${name}" includes invalid characters for a local volume name`,
    'only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed; for a directory of this machine give its absolute path',
  );
}

/** Whether nobody has given it a name: docker's have 64 hexadecimal digits. */
export function isAnonymous(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

export function isReadOnly({ mode }: VolumeSpec): boolean {
  return mode.split(',').includes('ro');
}

function invalid(message: string, hint: string): ClocheError {
  return new ClocheError('VOLUME_INVALID', message, { class: 'invalid-argument', hint });
}
