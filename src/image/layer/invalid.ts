import { ClocheError } from '../../error.ts';

/**
 * An archive that says what no archive may say: `LAYER_INVALID`. `what` continues the sentence "the
 * archive …".
 */
export function invalidTar(what: string, details: Record<string, unknown> = {}): ClocheError {
  // Paths in it are bytes (`RawPath`), which people want to read as UTF-8.
  const isRaw = [...what].every((char) => char <= '\xff');
  const shown = isRaw ? Buffer.from(what, 'latin1').toString('utf8') : what;
  return new ClocheError('LAYER_INVALID', `the archive ${shown}`, {
    class: 'invalid-argument',
    hint: 'It is damaged, or no tar archive of files; fetch or make it again.',
    details,
  });
}
