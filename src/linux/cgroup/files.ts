import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { ClocheError } from '../../error.ts';

/**
 * A cgroup file's content without its last newline; undefined when there is no such file, or when
 * it cannot be read in this kind of cgroup (`cgroup.procs` of a threaded one).
 */
export function readKnob(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch (error) {
    if (['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP'].includes(errnoOf(error))) return undefined;
    throw failed('read', path, error);
  }
}

/**
 * Writes a cgroup file in one `write(2)`, as the kernel wants it. The file must exist.
 *
 * @throws {ClocheError} `CGROUP_WRITE_FAILED`, with the errno in its details.
 */
export function writeKnob(path: string, content: string): void {
  try {
    // Not writeFile: it would try to make a missing file, and cgroups answer that with EPERM.
    const fd = openSync(path, constants.O_WRONLY);
    try {
      writeSync(fd, content);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw failed('write', path, error, content);
  }
}

/** `key value` lines as an object: `{ nr_periods: 12, throttled_time: 99 }`. */
export function readKeys(path: string): Readonly<Record<string, number>> {
  const lines = (readKnob(path) ?? '').split('\n').map((line) => line.split(' '));
  return Object.fromEntries(lines.map(([key = '', value]) => [key, Number(value)]));
}

/** A number; undefined for `max`, for v1's "no limit" (about 2⁶³) and when there is no such file. */
export function readNumber(path: string): number | undefined {
  const number = Number(readKnob(path) ?? Number.NaN);
  return Number.isNaN(number) || number < 0 || number >= 2 ** 62 ? undefined : number;
}

export function errnoOf(error: unknown): string {
  const code =
    error instanceof ClocheError ? error.details.errno : (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : '';
}

function failed(what: 'read' | 'write', path: string, cause: unknown, content?: string) {
  const errno = errnoOf(cause);
  const words = content === undefined ? `read '${path}'` : `write '${content}' to '${path}'`;
  return new ClocheError(`CGROUP_${what.toUpperCase()}_FAILED`, `cannot ${words}: ${errno}`, {
    class: errno === 'EACCES' || errno === 'EPERM' ? 'permission-denied' : 'unavailable',
    hint: HINTS[errno],
    details: { path, content, errno },
    cause,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT:
    'The cgroup is gone, its controller is not enabled in the parent, or the kernel lacks it.',
  EBUSY: 'More than the new limit is in use and cannot be reclaimed, or processes are in the way.',
  EINVAL: 'The kernel takes no such value here; the parent may allow less.',
  EACCES: 'Are you root, and is the cgroup filesystem mounted writable?',
  EPERM: 'Are you root, and is the cgroup filesystem mounted writable?',
  ENODEV: 'The cgroup was removed meanwhile, or the device does not exist.',
};
