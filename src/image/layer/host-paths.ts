import { closeSync, constants, openSync } from 'node:fs';
import { type Name, pathOf } from './growing.ts';
import { fromRaw, type RawPath, toRaw } from './scan.ts';

/** A path with its NUL may have 4096 bytes (PATH_MAX). */
const TOO_LONG = 4096;
/** From where a long path is opened anew; bytes. */
const HALF = 2000;
/** So many directories are kept open. */
const KEPT = 8;

/**
 * Where the names of a layer are on this machine. A path of 4 KB inside of an image is too long with
 * the way to the image in front of it; such a one begins at an open directory in the middle of it.
 */
export class HostPaths {
  readonly #base: RawPath;
  readonly #open = new Map<Name, number>();

  constructor(directory: string) {
    this.#base = `${toRaw(directory)}/`;
  }

  /** Valid until two more have been asked for, or the name is removed. */
  of(name: Name): Buffer {
    const path = pathOf(name);
    const whole = this.#base + path;
    if (whole.length < TOO_LONG) return fromRaw(whole);
    let middle = name;
    while (middle.parent !== undefined && pathOf(middle).length > HALF) middle = middle.parent;
    const rest = path.slice(pathOf(middle).length + 1);
    return fromRaw(`/proc/self/fd/${this.#fdOf(middle)}/${rest}`);
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #fdOf(name: Name): number {
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.size >= KEPT) {
      closeSync(oldest[1]);
      this.#open.delete(oldest[0]);
    }
    const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
    const fd = openSync(this.of(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    this.#open.set(name, fd);
    return fd;
  }
}
