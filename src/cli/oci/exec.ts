import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ClocheError } from '../../error.ts';
import type { Process } from '../../runtime/index.ts';
import { exec } from '../../runtime/oci/index.ts';
import { many, whole } from '../flags.ts';
import { printError } from '../output.ts';
import type { Context } from './context.ts';
import { withProgram } from './foreground.ts';

/** `cloche oci exec`: one more program in a running container, as its config describes processes. */
export function ociExec({ root, logged }: Context): Command {
  return new Command('exec')
    .description('Execute a process in a running container')
    .argument('<id>')
    .argument('[command...]')
    .passThroughOptions()
    .option('--console-socket <path>', 'where the terminal is sent to')
    .option('--cwd <directory>', 'working directory')
    .option('-e, --env <entry>', 'set an environment variable', many, [])
    .option('-t, --tty', 'allocate a pseudo-TTY', false)
    .option('-u, --user <uid>', 'uid or uid:gid')
    .option('-g, --additional-gids <gid>', 'one group more', gids, [])
    .option('-p, --process <file>', 'a process.json, in place of the flags')
    .option('-d, --detach', 'do not wait for its end', false)
    .option('--pid-file <file>', 'where to write its pid')
    .option('--no-new-privs', 'no setuid program gives it more rights')
    .option('-c, --cap <capability>', 'one capability more', many, [])
    .option('--preserve-fds <number>', 'so many descriptors from 3 on are kept', whole, 0)
    .action(async (id: string, command: string[], flags: Flags) => {
      try {
        await logged(async () => {
          process.exitCode = await run(root(), id, command, flags);
        })();
      } catch (error) {
        printError(error);
        // As runc, where 1 is what a program may end with.
        process.exitCode = 255;
      }
    });
}

interface Flags {
  readonly consoleSocket?: string;
  readonly cwd?: string;
  readonly env: string[];
  readonly tty: boolean;
  readonly user?: string;
  readonly additionalGids: number[];
  readonly process?: string;
  readonly detach: boolean;
  readonly pidFile?: string;
  readonly newPrivs: boolean;
  readonly cap: string[];
  readonly preserveFds: number;
}

async function run(root: string, id: string, args: string[], flags: Flags): Promise<number> {
  const given = flags.process === undefined ? undefined : await processIn(flags.process);
  if (given === undefined && args.length === 0)
    throw new ClocheError('NO_COMMAND', 'process args cannot be empty', {
      class: 'invalid-argument',
      hint: 'name a program, or a file with --process',
    });
  const options = { ...flags, process: (own: Process) => given ?? processOf(own, args, flags) };
  if (flags.detach) return await exec(root, id, options);
  const terminal = given?.terminal ?? flags.tty;
  return await withProgram(
    (onStarted) => exec(root, id, { ...options, onStarted }),
    terminal && flags.consoleSocket === undefined && process.stdin.isTTY === true,
  );
}

/** The process of the container's config with what the flags say. */
function processOf(own: Process, args: readonly string[], flags: Flags): Process {
  const capabilities = own.capabilities ?? {};
  const more = (names: readonly string[] = []) => [...new Set([...names, ...flags.cap])];
  const user = flags.user === undefined ? own.user : { ...own.user, ...userOf(flags.user) };
  return {
    ...own,
    terminal: flags.tty,
    args,
    env: [...(own.env ?? []), ...flags.env],
    cwd: flags.cwd ?? own.cwd,
    user: {
      ...user,
      additionalGids: [...(own.user.additionalGids ?? []), ...flags.additionalGids],
    },
    noNewPrivileges: flags.newPrivs ? own.noNewPrivileges : true,
    capabilities: {
      ...capabilities,
      bounding: more(capabilities.bounding),
      permitted: more(capabilities.permitted),
      effective: more(capabilities.effective),
    },
  };
}

/** @throws {ClocheError} `PROCESS_INVALID`, `SPEC_INVALID` */
async function processIn(file: string): Promise<Process> {
  const { parseProcess } = await import('../../runtime/oci/schema.ts');
  try {
    return parseProcess(readFileSync(file, 'utf8'), file);
  } catch (cause) {
    if (cause instanceof ClocheError) throw cause;
    throw new ClocheError('PROCESS_INVALID', `open ${file}: ${(cause as Error).message}`, {
      class: 'invalid-argument',
      hint: '--process names a file like the "process" of a config.json',
      cause,
    });
  }
}

/**
 * `1000` or `1000:100`; without the second the group stays the container's. Names would need its /etc/passwd.
 *
 * @throws {ClocheError} `USER_INVALID`
 */
function userOf(text: string): { uid: number; gid?: number } {
  const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2] ?? 0)];
  if (match !== null && Math.max(uid, gid) < 0xffff_ffff)
    return match[2] === undefined ? { uid } : { uid, gid };
  throw new ClocheError('USER_INVALID', `invalid user '${text}'`, {
    class: 'invalid-argument',
    hint: 'a number, or two as in 1000:100',
  });
}

function gids(text: string, before: readonly number[]): readonly number[] {
  return [...before, whole(text)];
}
