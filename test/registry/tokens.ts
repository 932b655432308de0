import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Certificate, makeCertificate } from './certificate.ts';

/** A token server after distribution's specification, whose tokens a real registry believes. */
export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** PEM file of who signs. */
  readonly roots: string;
  /** What it was asked, `GET pull as alice`, in its order. */
  readonly asked: { readonly method: string; readonly scopes: string; readonly who: string }[];
  /** Whether the next token has expired already; the one after it has not. */
  nextIsExpired: boolean;
  stop(): void;
}

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** `alice` with the password `secret`, or with the identity token `refresh-alice`, may do everything; others may pull from `public/`. */
export async function startTokenServer(): Promise<TokenServer> {
  const signer = await makeCertificate('rsa');
  const asked: TokenServer['asked'] = [];
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => answer(request) });
  const self: TokenServer = {
    ...{ realm: `http://127.0.0.1:${server.port}/token`, service: 'cloche-test', issuer: 'cloche' },
    ...{ roots: signer.certificate, asked, nextIsExpired: false },
    stop: () => {
      server.stop(true);
      signer.remove();
    },
  };
  async function answer(request: Request): Promise<Response> {
    const isForm = request.method === 'POST';
    const query = isForm
      ? new URLSearchParams(await request.text())
      : new URL(request.url).searchParams;
    const who = isForm ? query.get('refresh_token')?.replace('refresh-', '') : userOf(request);
    const scopes = query.getAll('scope').join(' ');
    asked.push({ method: request.method, scopes, who: who ?? 'nobody' });
    if (who !== undefined && who !== 'alice')
      return Response.json(
        { errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }] },
        { status: 401 },
      );
    const access = scopes
      .split(' ')
      .filter(Boolean)
      .map((scope) => grant(scope, who));
    // The registry forgives a minute.
    const lifetime = self.nextIsExpired ? -90 : 300;
    self.nextIsExpired = false;
    return Response.json({ token: sign(signer, self, access, lifetime), expires_in: lifetime });
  }
  return self;
}

function userOf(request: Request): string | undefined {
  const basic = /^Basic (.*)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  if (basic === undefined) return undefined;
  const [name, password] = Buffer.from(basic, 'base64').toString().split(':');
  return password === 'secret' ? name : 'nobody';
}

function grant(scope: string, who: string | undefined): Access {
  const [type = '', name = '', actions = ''] = scope.split(':');
  const all = actions.split(',');
  const granted =
    who === 'alice' ? all : all.filter((one) => one === 'pull' && name.startsWith('public/'));
  return { type, name, actions: granted };
}

/** A JSON web token (RFC 7519) with the certificate in it, as the registry wants to see it. */
function sign(
  signer: Certificate,
  about: TokenServer,
  access: readonly Access[],
  lifetime: number,
): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: 'JWT', alg: 'RS256', x5c: [signer.der] };
  const times = { iat: now, nbf: now - 10, exp: now + lifetime };
  const claims = {
    iss: about.issuer,
    sub: '',
    aud: about.service,
    jti: crypto.randomUUID(),
    ...times,
    access,
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(signed).sign(readFileSync(signer.key));
  return `${signed}.${signature.toString('base64url')}`;
}
