import { Command } from 'commander';
import { execInContainer } from '../engine/exec.ts';
import { exitCodeFor, openEngine, settleAll } from '../engine/index.ts';
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
    .option('-e, --env <entry>', 'set an environment variable', many, [])
    .option('-i, --interactive', 'keep STDIN open', false)
    .option('--privileged', 'give extended privileges', false)
    .option('-t, --tty', 'allocate a pseudo-TTY', false)
    .option('-u, --user <user>', 'user or UID, and :group or GID')
    .option('-w, --workdir <directory>', 'working directory inside')
    .action(async (name: string, command: string[], flags: Flags) => {
      try {
        if (flags.tty) requireTerminal();
        const engine = openEngine();
        await settleAll(engine);
        const running = execInContainer(engine, name, {
          ...flags,
          command,
          terminalSize: flags.tty ? terminalSize() : undefined,
        });
        process.exitCode = flags.tty
          ? await withRawTerminal(running.resize, running.exited)
          : await withForwardedSignals(() => running.pid() || undefined, running.exited);
      } catch (error) {
        printError(error);
        process.exitCode = exitCodeFor(error) === 125 ? 1 : exitCodeFor(error);
      }
    });
}

interface Flags {
  readonly env: string[];
  readonly interactive: boolean;
  readonly privileged: boolean;
  readonly tty: boolean;
  readonly user?: string;
  readonly workdir?: string;
}
