import { ClocheError } from '../error.ts';

/**
 * SOURCE_DATE_EPOCH, which makes a build's digests those of its input alone: nothing in its image is
 * newer. Undefined if it is not set. It is a build argument, which a stage may declare, and then RUN
 * sees it.
 *
 * Source: reproducible-builds.org/specs/source-date-epoch
 * @throws {ClocheError} `EPOCH_INVALID`
 */
export function epochOf(buildArgs: Readonly<Record<string, string>>): Date | undefined {
  const said = buildArgs.SOURCE_DATE_EPOCH ?? '';
  if (said === '') return undefined;
  if (/^\d{1,11}$/.test(said)) return new Date(Number(said) * 1000);
  throw new ClocheError('EPOCH_INVALID', `invalid SOURCE_DATE_EPOCH: '${said}'`, {
    class: 'invalid-argument',
    hint: 'It is a number of seconds since 1970: git log -1 --format=%ct.',
  });
}

/** As it stands in the environment and in keys of the cache. */
export function secondsOf(epoch: Date | undefined): number | undefined {
  return epoch === undefined ? undefined : epoch.getTime() / 1000;
}
