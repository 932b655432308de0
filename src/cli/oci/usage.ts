import type { Command } from 'commander';
import { ClocheError } from '../../error.ts';
import { printError } from '../output.ts';
import type { Context } from './context.ts';

/** What runc ends with where a command is not known. */
const UNKNOWN_COMMAND = 3;

/**
 * A command line that cannot be understood is an error like any other: 1, and in the log, where the engine
 * that has written it looks. Commander would say it on the screen alone, and docker's code is 125.
 */
export function withRuncsUsage(oci: Command, { logError }: Pick<Context, 'logError'>): Command {
  for (const command of [oci, ...oci.commands])
    command.error = (message) => {
      const error = new ClocheError('USAGE', message.replace(/^error: /, ''), {
        class: 'invalid-argument',
        hint: `see cloche oci ${command === oci ? '' : `${command.name()} `}--help`,
      });
      logError(error);
      throw error;
    };
  return oci.on('command:*', ([name]: string[]) => {
    const error = new ClocheError('COMMAND_UNKNOWN', `unknown command '${name}'`, {
      class: 'invalid-argument',
      hint: 'see cloche oci --help',
    });
    logError(error);
    printError(error);
    process.exitCode = UNKNOWN_COMMAND;
  });
}
