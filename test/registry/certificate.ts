import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import { needTools } from '../tools.ts';

/** PEM files of a certificate that signs itself, for 127.0.0.1 and localhost. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** The certificate's DER in base64. */
  readonly der: string;
  remove(): void;
}

/** Made by openssl, in a directory of its own. */
export async function makeCertificate(kind: 'ec' | 'rsa' = 'ec'): Promise<Certificate> {
  needTools('openssl');
  const folder = mkdtempSync(join(tmpdir(), 'cloche-certificate-'));
  const [certificate, key] = [join(folder, 'c.pem'), join(folder, 'k.pem')];
  const form =
    kind === 'ec'
      ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
      : ['-newkey', 'rsa:2048'];
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  await $`openssl req -x509 ${form} -nodes -keyout ${key} -out ${certificate} -days 2 -subj /CN=cloche-test -addext ${names}`.quiet();
  const der = readFileSync(certificate, 'utf8').replace(/-----[^-]+-----|\s/g, '');
  return { certificate, key, der, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
