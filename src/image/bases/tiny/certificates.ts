import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Debs } from '../debian/debs.ts';
import type { Upper } from '../upper.ts';

/** Where programs look for the certificates they trust. */
export const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';

/** Mozilla's certificates of Debian's `ca-certificates` in one file; none of this machine's own. */
export function bringCertificates(upper: Upper, { directory }: Debs): void {
  const from = join(directory, 'usr/share/ca-certificates/mozilla');
  const pieces = readdirSync(from)
    .sort()
    .map((name) => readFileSync(join(from, name), 'utf8').replace(/\n*$/, '\n'));
  upper.writeFile(BUNDLE, pieces.join(''));
  upper.link('etc/ssl/cert.pem', 'certs/ca-certificates.crt');
}
