import { appendFileSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { painted, print } from '../print.ts';

/** What the commands of `cloche oci` have in common: its global flags. */
export interface Context {
  /** Where containers are written down. */
  readonly root: () => string;
  /** The action, whose errors go into the log as well. */
  readonly logged: <A extends unknown[]>(
    action: (...args: A) => void | Promise<void>,
  ) => (...args: A) => Promise<void>;
  /** For errors that no action throws. */
  readonly logError: (error: Error) => void;
  /** Makes sure that there is a log to write into. @throws {ClocheError} `LOG_UNWRITABLE` */
  readonly openLog: () => void;
  /** Says what is no error, on stderr and in the log. */
  readonly warn: (warnings: readonly string[]) => void;
}

/** The global flags, as they were given by the time when a command runs. */
export interface GlobalFlags {
  readonly root: string;
  readonly log?: string;
  readonly logFormat: 'text' | 'json';
}

export function contextOf(flags: () => GlobalFlags): Context {
  return {
    root: () => flags().root,
    logged:
      (action) =>
      async (...args) => {
        try {
          await action(...args);
        } catch (thrown) {
          const error = worded(thrown);
          log(flags(), 'error', error instanceof Error ? error.message : String(error));
          throw error;
        }
      },
    logError: (error) => log(flags(), 'error', error.message),
    openLog: () => appendTo(flags().log, ''),
    warn: (warnings) => {
      for (const warning of warnings) {
        log(flags(), 'warning', warning);
        print(`${painted(2, 33, 'warning:')} ${warning}\n`, 2);
      }
    },
  };
}

/** What the kernel says of a file of ours, in Go's words; other engines look for them. */
function worded(error: unknown): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof ClocheError || code === undefined || syscall === undefined) return error;
  const reason = (error as Error).message.replace(/^\w+: (.*?), .*$/s, '$1');
  const what = path === undefined ? syscall : `${syscall} ${path}`;
  return new ClocheError('FILE_UNUSABLE', `${what}: ${reason}`, {
    class: code === 'EACCES' || code === 'EPERM' ? 'permission-denied' : 'unavailable',
    hint: code === 'EACCES' ? 'are you root? --root names another place' : undefined,
    cause: error,
  });
}

/** A line as logrus writes it: other engines look for `msg` in runc's log. */
function log({ log: file, logFormat }: GlobalFlags, level: string, msg: string): void {
  if (file === undefined) return;
  const time = new Date().toISOString();
  const line =
    logFormat === 'json'
      ? JSON.stringify({ level, msg, time })
      : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(msg)}`;
  appendTo(file, `${line}\n`);
}

function appendTo(file: string | undefined, text: string): void {
  if (file === undefined) return;
  try {
    appendFileSync(file, text, { mode: 0o644 });
  } catch (cause) {
    throw new ClocheError('LOG_UNWRITABLE', `cannot write the log '${file}'`, {
      hint: 'is there such a directory? --log names a file',
      cause,
    });
  }
}
