import { ClocheError } from '../../error.ts';

/** What the other side did not do in time. */
export type Stall = 'answer' | 'body' | 'upload';

/** Nothing moved for so many milliseconds. */
export function stalled(url: URL, what: Stall, milliseconds: number): ClocheError {
  const seconds = `${Number((milliseconds / 1000).toPrecision(2))} s`;
  const fault = {
    answer: `'${url.host}' did not answer within ${seconds}`,
    body: `'${url.host}' sent nothing more for ${seconds}`,
    upload: `'${url.host}' took nothing more for ${seconds}`,
  }[what];
  return new ClocheError('REGISTRY_STALLED', fault, {
    class: 'unavailable',
    hint: 'The registry or the way to it is overloaded; what has arrived is asked for no second time.',
    details: { url: url.href, milliseconds },
  });
}

/** Whether the way or the server failed, so that a transfer may go on in a moment. */
export function isTransient(error: unknown): boolean {
  const codes = ['REGISTRY_STALLED', 'REGISTRY_UNREACHABLE', 'REGISTRY_FAILED'];
  return error instanceof ClocheError && codes.includes(error.code);
}

/** What `fetch` threw, in words. */
export function networkError(url: URL, error: unknown): ClocheError {
  const code = String((error as { code?: unknown }).code ?? '');
  const about = { class: 'unavailable', cause: error, details: { url: url.href, code } } as const;
  const known = MEANINGS.find(({ codes }) => codes.test(code));
  if (known === undefined) {
    const reason = (error as Error).message;
    return new ClocheError('REGISTRY_UNREACHABLE', `'${url.host}' cannot be reached: ${reason}`, {
      ...about,
      hint: 'Is there a network, and does it need a proxy (HTTPS_PROXY)?',
    });
  }
  return new ClocheError(known.code, known.message(url.host), { ...about, hint: known.hint(url) });
}

interface Meaning {
  readonly codes: RegExp;
  readonly code: 'REGISTRY_UNREACHABLE' | 'REGISTRY_TLS';
  message(host: string): string;
  hint(url: URL): string;
}

const insecurely = ({ host }: URL) =>
  `Put the registry's authority at /etc/docker/certs.d/${host}/ca.crt, or, if you trust the network, CLOCHE_INSECURE_REGISTRIES=${host}.`;

const MEANINGS: readonly Meaning[] = [
  {
    codes: /^ECONNREFUSED$|ConnectionRefused/,
    code: 'REGISTRY_UNREACHABLE',
    message: (host) => `'${host}' refuses connections`,
    hint: () => 'Does the registry run, and is this its port?',
  },
  {
    codes: /^ENOTFOUND$|^EAI_/,
    code: 'REGISTRY_UNREACHABLE',
    message: (host) => `there is no host '${host}'`,
    hint: () => 'Is the name right? Without a network no name can be looked up.',
  },
  {
    codes: /^ECONNRESET$|^EPIPE$|ConnectionClosed/,
    code: 'REGISTRY_UNREACHABLE',
    message: (host) => `'${host}' closed the connection`,
    hint: () => 'The registry, or something between it and here, gave up; try again.',
  },
  {
    codes: /^EPROTO$/,
    code: 'REGISTRY_TLS',
    message: (host) => `'${host}' does not speak https`,
    hint: ({ host }) =>
      `If it is plain http and you trust the network: CLOCHE_INSECURE_REGISTRIES=${host}.`,
  },
  {
    codes: /CERT|SIGNED|VERIFY|ISSUER/,
    code: 'REGISTRY_TLS',
    message: (host) => `the certificate of '${host}' cannot be trusted`,
    hint: insecurely,
  },
];
