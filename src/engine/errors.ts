import { ClocheError } from '../error.ts';

/**
 * A step that failed, in the words of somebody who wanted to run a program. The exit codes are
 * docker's: 127 for a program that is not there, 126 for one that cannot be executed, 125 for
 * everything else.
 */
export function startError(error: ClocheError): ClocheError {
  const { call, errno, shown, why } = error.details;
  const about = { cause: error, details: error.details, hint: error.hint };
  if (call === 'execve') {
    const program = /^become (\S+)/.exec(String(why))?.[1] ?? '';
    if (errno === 'ENOENT' || errno === 'ENOTDIR')
      return new ClocheError(
        'COMMAND_NOT_FOUND',
        program.includes('/')
          ? `exec: "${program}": stat ${program}: no such file or directory`
          : `exec: "${program}": executable file not found in $PATH`,
        { ...about, class: 'not-found' },
      );
    return new ClocheError('COMMAND_NOT_EXECUTABLE', `exec: "${program}": ${text(errno)}`, {
      ...about,
      class: 'permission-denied',
    });
  }
  if (call === 'fchdir' || (call === 'openat2' && String(why).startsWith('the working directory')))
    return new ClocheError('WORKDIR_UNUSABLE', `${why}: ${text(errno)}`, {
      ...about,
      class: 'invalid-argument',
      hint: 'give -w another directory, or make it in the image',
    });
  if (call === 'socket' && String(why).startsWith('publish '))
    return new ClocheError('PORTS_TOO_MANY', bindFailure(String(why), errno), {
      ...about,
      class: 'unavailable',
      hint: 'every port that is published is an open file, once for IPv4 and once for IPv6: publish fewer, or raise the limit (ulimit -Hn)',
    });
  if (call === 'bind' && String(why).startsWith('publish '))
    return new ClocheError('PORT_TAKEN', bindFailure(String(why), errno), {
      ...about,
      class: 'conflict',
      hint:
        errno === 'EADDRNOTAVAIL'
          ? 'that address is none of this machine: ip address shows which ones are'
          : 'ss --listening --numeric --processes shows who has it, cloche ps which container',
    });
  if (call === 'open_tree')
    return new ClocheError('MOUNT_SOURCE_MISSING', `${shown} failed: ${errno}`, about);
  return error;
}

/** In docker's words. The reason of the step names the port: `publish 0.0.0.0:8080/tcp`. */
function bindFailure(why: string, errno: unknown): string {
  const port = why.replace(/^publish (.*)\/\w+$/, '$1');
  const reason =
    errno === 'EADDRINUSE'
      ? 'port is already allocated'
      : errno === 'EADDRNOTAVAIL'
        ? 'cannot assign requested address'
        : text(errno);
  return `Bind for ${port} failed: ${reason}`;
}

/** The exit code of a `run` or `exec` that did not come to run anything; 1 is docker's for a missing terminal. */
export function exitCodeFor(error: unknown): 1 | 125 | 126 | 127 {
  if (!(error instanceof ClocheError)) return 125;
  if (error.code === 'NOT_A_TTY') return 1;
  if (error.code === 'COMMAND_NOT_FOUND') return 127;
  return error.code === 'COMMAND_NOT_EXECUTABLE' ? 126 : 125;
}

function text(errno: unknown): string {
  return (
    {
      EACCES: 'permission denied',
      ENOEXEC: 'exec format error',
      EMFILE: 'too many open files',
    }[String(errno)] ?? String(errno)
  );
}
