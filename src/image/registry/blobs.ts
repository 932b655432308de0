import { ClocheError } from '../../error.ts';
import { hashed, sha256 } from '../digest.ts';
import { familiarName, type Reference } from '../reference.ts';
import type { Pointer } from './documents.ts';
import type { Answer } from './exchange.ts';
import { isTransient } from './failures.ts';
import { pullScope } from './manifests.ts';
import { pauseAfter, sleep } from './patience.ts';
import type { Session } from './session.ts';

/** How often a blob is taken up at most, however much arrives in between. */
const BREAKS = 100;

/**
 * The bytes of a blob as they arrive. A connection that breaks or stalls is taken up where it ended
 * (`Range`), as often as something arrives and for `patience.attempts` times where nothing does.
 * Digest and length are verified on the way: who has read it to its end without an error has the
 * blob; what was read before an error must be thrown away.
 *
 * @param onPause told before it is taken up again, with how long that is waited for
 * @throws {ClocheError} `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH`; as `Session.ask`
 */
export async function* readBlob(
  session: Session,
  name: Reference,
  blob: Pointer,
  onPause: (milliseconds: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const hash = sha256();
  let received = 0;
  for (let failures = 0, breaks = 0; received < blob.size; breaks++) {
    const before = received;
    try {
      for await (const piece of rest(session, name, blob, received)) {
        received += piece.length;
        hash.update(piece);
        yield piece;
      }
      break;
    } catch (error) {
      failures = received > before ? 1 : failures + 1;
      const isHopeless = failures >= session.patience.attempts || breaks >= BREAKS;
      if (isHopeless || !isTransient(error)) throw error;
      const pause = pauseAfter(session.patience, failures);
      onPause(pause);
      await sleep(pause, session.signal);
    }
  }
  const digest = hashed(hash);
  if (digest !== blob.digest) throw otherContent(session, blob, digest);
}

/** What is missing of a blob: an end before its end is an error, and so is more than its size. */
async function* rest(session: Session, name: Reference, blob: Pointer, from: number) {
  const answer = await session.ask({
    method: 'GET',
    path: `/v2/${name.path}/blobs/${blob.digest}`,
    headers: from === 0 ? {} : { Range: `bytes=${from}-${blob.size - 1}` },
    scopes: [pullScope(name)],
    expect: from === 0 ? [200] : [200, 206],
    wanted: { action: 'pull', name: familiarName(name), what: `blob ${blob.digest}` },
  });
  // Who ignores `Range` begins anew, and the beginning is here already.
  let at = answer.status === 206 ? from : 0;
  verifyLength(answer, blob, at);
  for await (const piece of answer.body()) {
    const fresh = at >= from ? piece : piece.subarray(Math.min(from - at, piece.length));
    at += piece.length;
    if (at > blob.size) throw otherSize(answer, blob, `more than ${blob.size}`);
    if (fresh.length > 0) yield fresh;
  }
  if (at < blob.size) throw broken(answer, blob, at);
}

function verifyLength(answer: Answer, blob: Pointer, at: number): void {
  const length = answer.headers.get('content-length');
  const range = answer.headers.get('content-range');
  const start = range === null ? at : Number(/^bytes (\d+)-/.exec(range)?.[1] ?? -1);
  const isWrong = length !== null && Number(length) !== blob.size - at;
  if (!isWrong && start === at) return;
  answer.discard();
  if (start !== at) throw otherSize(answer, blob, `the range '${range}' of ${blob.size}`);
  throw otherSize(answer, blob, `${Number(length) + at}`);
}

function broken({ url }: Answer, blob: Pointer, at: number): ClocheError {
  return new ClocheError(
    'REGISTRY_UNREACHABLE',
    `'${url.host}' ended blob '${blob.digest}' after ${at} of ${blob.size} bytes`,
    {
      class: 'unavailable',
      hint: 'The registry, or something between it and here, gave up; try again.',
      details: { digest: blob.digest, at, size: blob.size },
    },
  );
}

function otherSize({ url }: Answer, blob: Pointer, bytes: string): ClocheError {
  return new ClocheError(
    'BLOB_SIZE_MISMATCH',
    `'${url.host}' gives ${bytes} bytes as blob '${blob.digest}', which has ${blob.size}`,
    { class: 'unavailable', hint: HINT, details: { digest: blob.digest, size: blob.size } },
  );
}

function otherContent({ endpoint }: Session, blob: Pointer, digest: string): ClocheError {
  return new ClocheError(
    'BLOB_DIGEST_MISMATCH',
    `'${endpoint.domain}' gives other content as blob '${blob.digest}'`,
    { class: 'unavailable', hint: HINT, details: { wanted: blob.digest, digest } },
  );
}

const HINT =
  'The registry, or something between it and here, is broken. Nothing of the blob was kept.';
