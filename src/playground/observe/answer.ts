import http from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';

/** What came back from a web server. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The certificate that it showed, over https. */
  readonly certificate: Certificate | undefined;
}

export interface Certificate {
  /** SHA-256, in pairs of hexadecimal digits. */
  readonly fingerprint: string;
  /** From when on it is valid; its maker's "now". */
  readonly since: Date;
}

/**
 * Asks a web server as a browser would, but takes any certificate: those of the lessons are made by
 * the containers themselves. Resolves to undefined when nobody answers within `milliseconds`.
 */
export function ask(url: string, milliseconds = 2000): Promise<Answer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const get = url.startsWith('https:') ? https.get : http.get;
  const options = { agent: false, rejectUnauthorized: false, timeout: milliseconds };
  const request = get(url, options, (response) => {
    const certificate = certificateOf(response.socket as TLSSocket);
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body, certificate }));
    response.on('error', () => resolve(undefined));
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => resolve(undefined));
  return promise;
}

function certificateOf(socket: TLSSocket): Certificate | undefined {
  if (socket.encrypted !== true) return undefined;
  const { fingerprint256, valid_from } = socket.getPeerCertificate();
  return { fingerprint: fingerprint256, since: new Date(valid_from) };
}
