/** Answers that a registry had better not give, for `misbehave`. */

/** A web page. */
export const page = (status = 200) =>
  new Response('<!doctype html><h1>Welcome to the hotel</h1>', {
    status,
    headers: { 'content-type': 'text/html' },
  });

/** A body that stops after these bytes, without an end. */
export const stopping = (bytes: Uint8Array) =>
  new Response(new ReadableStream({ start: (body) => body.enqueue(bytes) }));

/** A body that ends after these bytes, without having said how many they are. */
export const ending = (bytes: Uint8Array) =>
  new Response(
    new ReadableStream({
      start: (body) => body.enqueue(bytes),
      pull: async (body) => {
        // Bun would count a stream that has ended already.
        await Bun.sleep(5);
        body.close();
      },
    }),
  );

export const moved = (location: string) =>
  new Response(null, { status: 307, headers: { location } });
export const failing = (status: number, headers = {}) =>
  Response.json(
    { errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] },
    { status, headers },
  );
export const isManifest = ({ pathname }: URL) => pathname.includes('/manifests/');

/** Sends for a token to this realm. */
export function bearer(realm: string): Response {
  const challenge = `Bearer realm="${realm}",service="x"`;
  return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
}

/** Blanks for ever. */
export function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(1 << 16).fill(32)) });
}
