import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../../error.ts';
import { bringCopyrights, type Debs, withDebs } from '../debian/debs.ts';
import type { Kitchen } from '../make.ts';
import type { Upper } from '../upper.ts';
import { neededLibraries } from './elf.ts';

const IS_ARM = process.arch === 'arm64';

/** Where Debian keeps an architecture's libraries. */
const TRIPLET = `${IS_ARM ? 'aarch64' : 'x86_64'}-linux-gnu`;

/** What programs name as their interpreter; it lies among the libraries. */
const LOADER = IS_ARM ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2';

/** The Debian package of each library that a program of Node's kind needs. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  ...{ 'libc.so.6': 'libc6', 'libm.so.6': 'libc6', 'libdl.so.2': 'libc6' },
  ...{ 'libpthread.so.0': 'libc6', 'librt.so.1': 'libc6', 'libresolv.so.2': 'libc6' },
  ...{ 'ld-linux-x86-64.so.2': 'libc6', 'ld-linux-aarch64.so.1': 'libc6' },
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libatomic.so.1': 'libatomic1',
};

/**
 * Puts into the image the libraries that a program of it needs and that it has not: Debian's glibc
 * and its like for BusyBox, libatomic for a slim Debian, and no more.
 *
 * @param program its path in the layer that is being filled
 * @returns the packages and their versions; empty if nothing was missing
 * @throws {ClocheError} `LIBRARY_UNKNOWN`, as `withDebs`
 */
export async function bringLibrariesFor(
  kitchen: Kitchen,
  upper: Upper,
  suite: string,
  program: string,
): Promise<readonly string[]> {
  const missing = neededLibraries(join(upper.directory, program)).filter(
    (name) => !upper.has(`usr/lib/${TRIPLET}/${name}`),
  );
  const packages = [...new Set(missing.map((name) => packageOf(name, program)))].sort();
  if (packages.length === 0) return [];
  return withDebs(kitchen, suite, packages, async (debs) => {
    bringLibraries(upper, debs);
    bringCopyrights(upper, debs);
    return debs.versions;
  });
}

/**
 * The libraries of unpacked packages, and the loader where programs look for it. Libraries go to
 * `/usr/lib/<triplet>`, wherever the suite has them, so that `/lib` may be a directory or a link.
 */
export function bringLibraries(upper: Upper, { directory }: Debs): void {
  for (const folder of [`lib/${TRIPLET}`, `usr/lib/${TRIPLET}`]) {
    const from = join(directory, folder);
    // Without directories: gconv's character sets and OpenSSL's engines are for others.
    const names = existsSync(from) ? readdirSync(from) : [];
    for (const name of names.filter((one) => !lstatSync(join(from, one)).isDirectory()))
      upper.copyIn(join(from, name), `usr/lib/${TRIPLET}/${name}`);
  }
  const loader = `usr/lib/${TRIPLET}/${LOADER.replace(/.*\//, '')}`;
  if (upper.has(loader) && !upper.has(LOADER)) upper.link(LOADER, `/${loader}`);
}

function packageOf(library: string, program: string): string {
  const found = PACKAGE_OF[library];
  if (found !== undefined) return found;
  throw new ClocheError('LIBRARY_UNKNOWN', `'${program}' needs '${library}'`, {
    class: 'unavailable',
    hint: 'cloche does not know which Debian package has it; another version may do without.',
    details: { program, library },
  });
}
