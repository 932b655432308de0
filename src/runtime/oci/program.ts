import { ClocheError } from '../../error.ts';

/** What `execve` and the look before it say, in runc's words: engines make 127 and 126 of them. */
export function programError(error: ClocheError, args: readonly string[] | undefined): ClocheError {
  const { call, errno, why } = error.details;
  const name = args?.[0] ?? '';
  if (call !== 'execve' && why !== `find the program ${name}`) return error;
  const about = { cause: error, details: error.details };
  const missing = errno === 'ENOENT' || errno === 'ENOTDIR';
  const elsewhere = !name.includes('/');
  if (missing || (elsewhere && errno === 'EACCES'))
    return new ClocheError(
      'COMMAND_NOT_FOUND',
      elsewhere
        ? `exec: "${name}": executable file not found in $PATH`
        : `exec: "${name}": stat ${name}: no such file or directory`,
      { ...about, class: 'not-found', hint: 'process.args in config.json begins with the program' },
    );
  const reason = REASON[String(errno)] ?? String(errno);
  return new ClocheError('COMMAND_NOT_EXECUTABLE', `exec: "${name}": ${reason}`, {
    ...about,
    class: 'permission-denied',
  });
}

const REASON: Readonly<{ [errno: string]: string }> = {
  EACCES: 'permission denied',
  ENOEXEC: 'exec format error',
};
