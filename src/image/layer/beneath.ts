import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { entryAt, fromRaw, type Look, nameOf, parentOf, type RawPath } from './scan.ts';

/**
 * What lies below a directory in which a container is at work. There any name may become a link at any
 * moment, so no path is given to the kernel as a whole: each directory is opened in the one before it and
 * never as a link, and what is looked at is a name in the last one. Nothing outside is reached.
 *
 * Source: CVE-2018-15664, in which `docker cp` was led out of a container in this way.
 */

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** Linux alone has it, so that node:fs does not name it (open(2)). */
export const O_PATH = 0o10000000;

/** A container is at work there. */
export const LIVE: Look = {
  isLive: true,

  /** Undefined where nothing is, or not any more. */
  entry(base, path) {
    const entry = unlessGone(() =>
      within(base, parentOf(path), (here) => entryAt(here, nameOf(path))),
    );
    return entry === undefined ? undefined : { ...entry, path };
  },

  /** None if it is a directory no more. */
  names(base, path) {
    return unlessGone(() => within(base, path, (here) => readdirSync(here, 'latin1'))) ?? [];
  },

  /** @throws {ClocheError} `FILE_CHANGED`: it is no file any more */
  open(base, path) {
    // A fifo that has taken its place would let us wait.
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    const fd = unlessGone(() =>
      within(base, parentOf(path), (here) => openSync(fromRaw(`${here}/${nameOf(path)}`), flags)),
    );
    if (fd !== undefined && fstatSync(fd).isFile()) return fd;
    if (fd !== undefined) closeSync(fd);
    throw new ClocheError('FILE_CHANGED', `'${path}' is no file any more`, {
      class: 'conflict',
      hint: 'Something still writes to the files; stop it and do the same again.',
      details: { path },
    });
  },
};

/** Goes down to a directory and looks into it: `here` is a path to it for as long as `look` takes. */
function within<T>(base: string, directory: RawPath, look: (here: string) => T): T {
  let fd = openSync(base, O_PATH | O_DIRECTORY);
  try {
    for (const name of directory === '' ? [] : directory.split('/')) {
      const next = openSync(fromRaw(`${self(fd)}/${name}`), O_PATH | O_DIRECTORY | O_NOFOLLOW);
      closeSync(fd);
      fd = next;
    }
    return look(self(fd));
  } finally {
    closeSync(fd);
  }
}

function self(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Undefined where a name was taken away meanwhile, or something else lies there now. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EINVAL'].includes(code)) return undefined;
    throw error;
  }
}
