import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { youngest } from '../../layer/times.ts';
import { temporaryPath } from '../../store.ts';
import type { Kitchen } from '../make.ts';
import { needTool, plainEnv } from '../tool.ts';
import type { Upper } from '../upper.ts';
import { downloadDebs } from './apt.ts';

/** Packages of Debian, unpacked into one directory, none of their scripts run. */
export interface Debs {
  readonly directory: string;
  /** `libc6 2.36-9+deb12u14`, sorted. */
  readonly versions: readonly string[];
  /** When the youngest of their files was made. */
  readonly date: Date;
}

/**
 * Gives `action` packages of a suite to choose files from; they are gone afterwards.
 *
 * @throws {ClocheError} as `downloadDebs`
 */
export async function withDebs<T>(
  kitchen: Kitchen,
  suite: string,
  packages: readonly string[],
  action: (debs: Debs) => Promise<T>,
): Promise<T> {
  const scratch = temporaryPath(kitchen.store);
  const [archives, directory] = [join(scratch, 'debs'), join(scratch, 'root')];
  for (const path of [archives, directory]) mkdirSync(path, { recursive: true });
  try {
    const names = await downloadDebs(kitchen, suite, packages, archives);
    for (const name of names)
      await needTool('dpkg-deb', ['-x', join(archives, name), directory], {
        env: plainEnv(),
        signal: kitchen.signal,
      });
    // tar, under dpkg-deb, dates a directory anew if a link into it comes after it was left.
    const date = youngest(directory, (kind) => kind !== 'directory');
    return await action({ directory, versions: names.map(versionOf), date });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Licences come with what they license. */
export function bringCopyrights(upper: Upper, { directory }: Debs): void {
  const docs = join(directory, 'usr/share/doc');
  for (const name of readdirSync(docs)) {
    const copyright = join(docs, name, 'copyright');
    if (existsSync(copyright)) upper.copyIn(copyright, `usr/share/doc/${name}/copyright`);
  }
}

/** `busybox-static_1%3a1.35.0-4_amd64.deb` → `busybox-static 1:1.35.0-4` */
function versionOf(file: string): string {
  const [name, version = ''] = file.split('_');
  return `${name} ${decodeURIComponent(version)}`;
}
