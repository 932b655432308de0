import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Debs } from '../debian/debs.ts';
import type { Upper } from '../upper.ts';

const MACHINE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

/**
 * The C library that Alpine's programs are linked to, Debian's build of it: one file, which is library
 * and loader, under the two names that Alpine has for it. Debian's list of directories stays away, so that
 * libraries are looked for in musl's own, which are Alpine's: `/lib`, `/usr/local/lib`, `/usr/lib`.
 */
export function bringMusl(upper: Upper, { directory }: Debs): void {
  const folders = ['lib', 'usr/lib'].map((lib) => join(directory, lib, `${MACHINE}-linux-musl`));
  const library = folders.map((folder) => join(folder, 'libc.so')).find(existsSync);
  if (library === undefined) throw new Error("Debian's musl has no libc.so");
  const loader = `ld-musl-${MACHINE}.so.1`;
  upper.copyIn(library, `lib/${loader}`);
  upper.link(`lib/libc.musl-${MACHINE}.so.1`, loader);
}
