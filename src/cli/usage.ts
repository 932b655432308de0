import type { Command, CommanderError } from 'commander';
import { ClocheError } from '../error.ts';
import { suggest } from '../suggest.ts';
import { printError } from './output.ts';

/**
 * Says in our manner and in docker's words what was wrong with the words of `command`.
 *
 * @returns docker's exit code for it: 125 for flags, 1 for arguments
 */
export function printMisuse(error: CommanderError, command: Command): number {
  const isCount = ['commander.missingArgument', 'commander.excessArguments'].includes(error.code);
  const line = lineOf(command);
  const help = `see '${line} --help'`;
  const [message, hint] = isCount
    ? [counted(line, command), `${line} ${command.usage()}; ${help}`]
    : [flagged(error.message), meant(error.message, command, help)];
  printError(new ClocheError('USAGE', message, { class: 'invalid-argument', hint }));
  return isCount ? 1 : 125;
}

/** `cloche image rm` */
function lineOf(command: Command): string {
  const above = command.parent === null ? '' : `${lineOf(command.parent)} `;
  return `${above}${command.name()}`;
}

/** How many arguments a command takes. */
function counted(line: string, { registeredArguments: all }: Command): string {
  const least = all.filter(({ required }) => required).length;
  const most = all.at(-1)?.variadic === true ? Number.POSITIVE_INFINITY : all.length;
  const number = (count: number) => `${count} argument${count === 1 ? '' : 's'}`;
  if (most === 0) return `'${line}' accepts no arguments`;
  if (least === most) return `'${line}' requires ${number(least)}`;
  if (most === Number.POSITIVE_INFINITY) return `'${line}' requires at least ${number(least)}`;
  if (least === 0) return `'${line}' requires at most ${number(most)}`;
  return `'${line}' requires at least ${least} and at most ${number(most)}`;
}

/** Commander's sentences, and what docker says instead. */
const FLAGS: readonly (readonly [RegExp, string])[] = [
  [/^unknown option '(--[^='\n]+).*$/s, 'unknown flag: $1'],
  [/^unknown option '-(.)(.*?)'.*$/s, "unknown shorthand flag: '$1' in -$1$2"],
  [/^option '(.*?)(?: [<[].*?)?' argument missing$/, 'flag needs an argument: $1'],
  [
    /^option '(.*?)(?: [<[].*?)?' argument '(.*)' is invalid\. (.*)$/s,
    'invalid argument "$2" for "$1" flag: $3',
  ],
];

function flagged(message: string): string {
  const said = message.replace(/^error: /, '');
  const [form, words] = FLAGS.find(([form]) => form.test(said)) ?? [/^/, ''];
  return said.replace(form, words).replace(/\.$/, '');
}

/** Which flag of the command an unknown one was meant to be, without the value behind it. */
function meant(message: string, { options }: Command, help: string): string {
  const [, flag] = /unknown option '(--[^='\n]+)/.exec(message) ?? [];
  const known = options.flatMap(({ long }) => long ?? []);
  const option = flag === undefined ? undefined : suggest(flag, known);
  return option === undefined ? help : `did you mean ${option}? See ${help.slice('see '.length)}`;
}
