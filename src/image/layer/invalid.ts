import { ClocheError } from '../../error.ts';

/**
 * An archive that says what no archive may say: `LAYER_INVALID`. `what` continues the sentence "the
 * archive …".
 */
export function invalidTar(what: string, details: Record<string, unknown> = {}): ClocheError {
  return new ClocheError('LAYER_INVALID', `the archive ${what}`, {
    class: 'invalid-argument',
    hint: 'It is damaged, or no tar archive of files; fetch or make it again.',
    details,
  });
}
