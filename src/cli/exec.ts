import { Command } from 'commander';
import { exitCodeFor, openEngine, settleAll } from '../engine/index.ts';
import { execInContainer } from '../engine/life/exec.ts';
import { entriesOf } from './entries.ts';
import { many } from './flags.ts';
import { printError } from './output.ts';
import {
  requireTerminal,
  terminalSize,
  withForwardedSignals,
  withRawTerminal,
} from './terminal.ts';

/** `cloche exec`: run one more program in a running container. */
export function execCommand(): Command {
  return new Command('exec')
    .description('Execute a command in a running container')
    .argument('<container>')
    .argument('<command...>')
    .passThroughOptions()
    .option('-d, --detach', 'run in the background', false)
    .option('-e, --env <entry>', 'set an environment variable', many, [])
    .option('--env-file <file>', 'one KEY=value a line', many, [])
    .option('-i, --interactive', 'keep STDIN open', false)
    .option('--privileged', 'give extended privileges', false)
    .option('-t, --tty', 'allocate a pseudo-TTY', false)
    .option('-u, --user <user>', 'user or UID, and :group or GID')
    .option('-w, --workdir <directory>', 'working directory inside')
    .action(async (name: string, command: string[], flags: Flags) => {
      try {
        process.exitCode = await exec(name, command, flags);
      } catch (error) {
        printError(error);
        process.exitCode = exitCodeFor(error) === 125 ? 1 : exitCodeFor(error);
      }
    });
}

async function exec(name: string, command: string[], flags: Flags): Promise<number> {
  const { detach, tty } = flags;
  if (tty && !detach) requireTerminal();
  const env = [...flags.envFile.flatMap((file) => entriesOf(file)), ...flags.env];
  const engine = openEngine();
  await settleAll(engine);
  const terminal = tty && !detach ? terminalSize() : undefined;
  const begin = () =>
    execInContainer(engine, name, { ...flags, env, command, terminalSize: terminal });
  if (detach) {
    await begin().released();
    return 0;
  }
  if (tty) {
    const { resize, exited } = begin();
    return await withRawTerminal(resize, exited);
  }
  return await withForwardedSignals(async (onStarted) => {
    const { started, exited } = begin();
    const pid = await started;
    if (pid) onStarted(pid);
    return await exited;
  });
}

interface Flags {
  readonly detach: boolean;
  readonly env: string[];
  readonly envFile: string[];
  readonly interactive: boolean;
  readonly privileged: boolean;
  readonly tty: boolean;
  readonly user?: string;
  readonly workdir?: string;
}
