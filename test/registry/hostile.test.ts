import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { pullImage } from '../../src/image/registry/pull.ts';
import { temporaryStore } from '../../src/image/testing.ts';
import { bearer, ending, endless, failing, isManifest, moved, page, stopping } from './answers.ts';
import { type Mischief, manifestOf } from './hostile.ts';
import { expectIntact, patience, type Scene, setScene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await setScene();
});

beforeEach(() => scene.registry.behave());

afterAll(() => scene.remove());

/** One mischief each, and the error that it must become. */
const MISCHIEF: [string, Mischief, Record<string, unknown>][] = [
  [
    'never answers',
    (_, url) => (isManifest(url) ? new Promise<Response>(() => undefined) : undefined),
    { code: 'REGISTRY_STALLED', message: expect.stringContaining('did not answer within 0.4 s') },
  ],
  [
    'stalls in the middle of a blob each time',
    (_, { pathname }) =>
      pathname === scene.layer(0) ? stopping(scene.blob(0).subarray(0, 10)) : undefined,
    { code: 'REGISTRY_STALLED', message: expect.stringContaining('sent nothing more for 0.4 s') },
  ],
  [
    'ends a blob too early each time',
    (_, { pathname }) => (pathname === scene.layer(0) ? ending(new Uint8Array(1)) : undefined),
    { code: 'REGISTRY_UNREACHABLE', message: expect.stringMatching(/ended blob '.*' after 1 of/) },
  ],
  [
    'sends more than a blob has',
    (_, { pathname }) =>
      pathname === scene.layer(0)
        ? ending(Buffer.concat([scene.blob(0), Buffer.from('more')]))
        : undefined,
    { code: 'BLOB_SIZE_MISMATCH' },
  ],
  [
    'lies about the length of a blob',
    (_, { pathname }) =>
      pathname === scene.layer(0) ? new Response(scene.blob(0).subarray(9)) : undefined,
    { code: 'BLOB_SIZE_MISMATCH' },
  ],
  [
    'sends other bytes as a blob',
    (_, { pathname }) =>
      pathname === scene.layer(1) ? new Response(scene.blob(1).map((byte) => byte ^ 1)) : undefined,
    { code: 'BLOB_DIGEST_MISMATCH' },
  ],
  [
    'sends another config',
    (_, { pathname }) =>
      pathname.includes(scene.image.id) ? new Response('{"os":"other"}') : undefined,
    { code: 'BLOB_SIZE_MISMATCH' },
  ],
  [
    'names another digest than that of its manifest',
    (_, url) =>
      isManifest(url)
        ? manifestOf(scene.manifest, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` })
        : undefined,
    { code: 'DIGEST_MISMATCH' },
  ],
  [
    'redirects in a circle',
    (_, url) =>
      isManifest(url)
        ? moved(url.pathname.replace(/1$|2$/, (n) => (n === '1' ? '2' : '1')))
        : undefined,
    { code: 'REGISTRY_REDIRECT', message: expect.stringContaining('redirects in a circle') },
  ],
  [
    'redirects for ever',
    (_, url) => (isManifest(url) ? moved(`${url.pathname}1`) : undefined),
    { code: 'REGISTRY_REDIRECT', message: expect.stringContaining('more than 10 times') },
  ],
  [
    'redirects to what is no address',
    (_, url) => (isManifest(url) ? moved('file:///etc/shadow') : undefined),
    { code: 'REGISTRY_REDIRECT', message: expect.stringContaining('no address') },
  ],
  [
    'answers with a web page',
    (_, url) => (isManifest(url) ? page() : undefined),
    { code: 'MANIFEST_INVALID', message: expect.stringContaining('web page') },
  ],
  [
    'is no registry but a web site',
    (_, { pathname }) => (pathname === '/v2/' ? page(404) : undefined),
    { code: 'REGISTRY_INVALID' },
  ],
  [
    'answers 403 with a web page',
    (_, url) => (isManifest(url) ? page(403) : undefined),
    { code: 'REGISTRY_REFUSED', message: expect.stringContaining('web page') },
  ],
  [
    'is down behind a proxy that says so with a web page',
    (_, url) => (isManifest(url) ? page(502) : undefined),
    { code: 'REGISTRY_FAILED', message: expect.stringContaining('502 with a web page') },
  ],
  [
    'limits how often it is asked',
    (_, url) => (isManifest(url) ? failing(429, { 'retry-after': '3600' }) : undefined),
    {
      code: 'REGISTRY_RATE_LIMITED',
      message: expect.stringContaining('toomanyrequests: slow down'),
      hint: expect.stringMatching(/Try again in 3600 s.*cloche login/),
    },
  ],
  [
    'limits how often it is asked and does not say for how long',
    (_, url, count) => (isManifest(url) && count === 1 ? failing(429) : undefined),
    { code: 'REGISTRY_RATE_LIMITED', hint: expect.stringContaining('Try again later') },
  ],
  [
    'answers 401 whatever it is told',
    () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    { code: 'REGISTRY_UNAUTHORIZED' },
  ],
  [
    'answers 401 and offers nothing',
    () => new Response(null, { status: 401 }),
    { code: 'REGISTRY_CHALLENGE_INVALID' },
  ],
  [
    'gives tokens and then takes none of them',
    (_, { pathname, origin }) =>
      pathname === '/token' ? Response.json({ token: 'abc' }) : bearer(`${origin}/token`),
    { code: 'REGISTRY_UNAUTHORIZED' },
  ],
  [
    'has a token server that answers garbage',
    (_, { pathname, origin }) =>
      pathname === '/token' ? new Response('\x00garbage') : bearer(`${origin}/token`),
    { code: 'REGISTRY_TOKEN_INVALID' },
  ],
  [
    'has a token server that wants to write headers',
    (_, { pathname, origin }) =>
      pathname === '/token' ? Response.json({ token: 'a\r\nX: y' }) : bearer(`${origin}/token`),
    { code: 'REGISTRY_TOKEN_INVALID' },
  ],
  [
    'sends for tokens to what is no address',
    () => bearer('javascript:alert(1)'),
    { code: 'REGISTRY_TOKEN_INVALID' },
  ],
  [
    'fails each time',
    (_, url) => (isManifest(url) ? failing(503) : undefined),
    { code: 'REGISTRY_FAILED', message: expect.stringContaining('503') },
  ],
  [
    'has a manifest of five megabytes',
    (_, url) => (isManifest(url) ? manifestOf(Buffer.alloc(5 << 20, ' ')) : undefined),
    { code: 'REGISTRY_ANSWER_TOO_LARGE' },
  ],
  [
    'has a manifest that does not end',
    (_, url) => (isManifest(url) ? new Response(endless()) : undefined),
    { code: 'REGISTRY_ANSWER_TOO_LARGE' },
  ],
  ...changed('has layers with negative sizes', 'MANIFEST_INVALID', (one) => {
    for (const blob of one.layers) blob.size = -1;
  }),
  ...changed('has a path for a digest', 'MANIFEST_INVALID', (one) => {
    for (const blob of one.layers) blob.digest = '../../../etc/passwd';
  }),
  ...changed('has fewer layers than its config', 'MANIFEST_INVALID', (one) => one.layers.pop()),
  ...changed('has foreign layers', 'MEDIA_TYPE_UNSUPPORTED', (one) => {
    for (const blob of one.layers)
      blob.mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  }),
  ...changed('has a chart where an image should be', 'MEDIA_TYPE_UNSUPPORTED', (one) => {
    one.config.mediaType = 'application/vnd.cncf.helm.config.v1+json';
  }),
  ...changed('has an image of schema 1', 'MEDIA_TYPE_UNSUPPORTED', (one) => {
    one.mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  }),
  ...changed('swaps the layers', 'DIFF_ID_MISMATCH', (one) => one.layers.reverse()),
];

for (const [does, mischief, error] of MISCHIEF)
  test(`a registry that ${does} is refused in words, and the store stays intact`, async () => {
    scene.registry.misbehave(mischief);
    const { store, remove } = temporaryStore();
    const asked = scene.registry.asked.length;
    await expect(pullImage(store, scene.name, { patience })).rejects.toMatchObject({
      hint: expect.any(String),
      ...error,
    });
    expect(scene.registry.asked.length - asked).toBeLessThan(20);
    expectIntact(store);
    scene.registry.behave();
    const { image } = await pullImage(store, scene.name, { patience });
    expect(image.manifest).toBe(scene.image.manifest);
    remove();
  }, 30_000);

interface Changeable {
  mediaType: string;
  config: { mediaType: string };
  layers: { mediaType: string; digest: string; size: number }[];
}

/** The image's own manifest with something changed in it. */
function changed(
  does: string,
  code: string,
  change: (manifest: Changeable) => unknown,
): typeof MISCHIEF {
  const mischief: Mischief = (_, url) => {
    if (!isManifest(url)) return undefined;
    const document = JSON.parse(scene.manifest.toString()) as Changeable;
    change(document);
    return manifestOf(Buffer.from(JSON.stringify(document)), {
      'content-type': document.mediaType,
    });
  };
  return [[does, mischief, { code }]];
}
