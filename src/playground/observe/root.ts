import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { RootFiles } from '../elf/closure.ts';

/**
 * The files under one root, seen from outside: a process's `/proc/PID/root`, or any folder.
 *
 * Links are followed by hand, so that an absolute one leads to a place in this root, and `..` stops
 * at its top. That is for looking only; the engine opens files with openat2(RESOLVE_IN_ROOT).
 * Every method treats what is not there, or vanishes in between, as absent.
 */
export class RootView implements RootFiles {
  /** The root's path on the host. */
  readonly host: string;

  constructor(host: string) {
    this.host = host;
  }

  resolve(path: string): string | undefined {
    const rest = path.split('/').filter(Boolean);
    let at: string[] = [];
    let links = 0;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === '.') continue;
      if (part === '..') {
        at = at.slice(0, -1);
        continue;
      }
      const next = [...at, part];
      const stat = attempt(() => lstatSync(this.outside(next.join('/'))));
      if (stat === undefined) return undefined;
      if (!stat.isSymbolicLink()) {
        at = next;
        continue;
      }
      // 40 is the kernel's own limit, after which it says ELOOP: path_resolution(7).
      if (++links > 40) return undefined;
      const target = attempt(() => readlinkSync(this.outside(next.join('/'))));
      if (target === undefined) return undefined;
      if (target.startsWith('/')) at = [];
      rest.unshift(...target.split('/').filter(Boolean));
    }
    return `/${at.join('/')}`;
  }

  read(path: string): Uint8Array {
    return readFileSync(this.outside(path));
  }

  list(path: string): string[] {
    const real = this.resolve(path);
    return (real && attempt(() => readdirSync(this.outside(real)))) || [];
  }

  /** A file's text behind all links, or undefined. */
  text(path: string): string | undefined {
    const real = this.resolve(path);
    return real === undefined ? real : attempt(() => readFileSync(this.outside(real), 'utf8'));
  }

  stat(path: string): Stats | undefined {
    const real = this.resolve(path);
    return real === undefined ? real : attempt(() => statSync(this.outside(real)));
  }

  /** Which file it is, whatever path leads there: device and inode. */
  id(path: string): FileId | undefined {
    const real = this.resolve(path);
    return real === undefined ? undefined : fileId(this.outside(real));
  }

  /** A root inside this one. */
  at(path: string): RootView | undefined {
    const real = this.resolve(path);
    return real === undefined ? undefined : new RootView(this.outside(real));
  }

  /** Every file and link (no folder) below, as paths in the root; it does not leave the filesystem. */
  files(path = '/'): string[] {
    const found: string[] = [];
    const device = attempt(() => lstatSync(this.outside(path)))?.dev;
    const visit = (folder: string): void => {
      for (const name of attempt(() => readdirSync(this.outside(folder))) ?? []) {
        const child = posix.join(folder, name);
        const stat = attempt(() => lstatSync(this.outside(child)));
        if (stat === undefined) continue;
        if (!stat.isDirectory()) found.push(child);
        else if (stat.dev === device) visit(child);
      }
    };
    visit(path);
    return found;
  }

  private outside(path: string): string {
    return `${this.host}/${path}`;
  }
}

/** `device:inode`, the same for every path that leads to one file. */
export type FileId = string & { readonly fileId: never };

/** Follows the last link, as stat(2) does; undefined where nothing is, or nothing may be seen. */
export function fileId(path: string): FileId | undefined {
  const stat = attempt(() => statSync(path, { bigint: true }));
  return stat === undefined ? undefined : (`${stat.dev}:${stat.ino}` as FileId);
}

/** What `look` gives, or undefined when the file system says no: processes and files come and go. */
export function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
