import { Command, CommanderError } from 'commander';
import { ClocheError } from '../error.ts';
import { COMMANDS } from './commands.ts';
import type { Entries } from './entry.ts';
import { HELP } from './help.ts';
import { printError } from './output.ts';
import { flushed } from './print.ts';
import { VERSION } from './release.ts';

/** The command whose words were wrong, once they were. */
let misused = new Command();

/** Commands that share the beginning of their line, below the headings of their help. */
interface Group {
  readonly line: string;
  readonly about: string;
  readonly headings: Readonly<Record<string, Entries>>;
}

const ALL: Group = {
  line: 'cloche',
  about: 'Containers under glass: made by hand, on your own kernel, and you see what it did.',
  headings: COMMANDS,
};

/** The command line: finds the command that is meant, loads what is its own, and runs it. */
async function main(words: readonly string[]): Promise<void> {
  const said = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const [command, own] = await find(ALL, said);
  await command.parseAsync(own, { from: 'user' });
}

/**
 * The command that the words begin with, and what else they say to it. Its name is its whole line, `cloche image rm`:
 * commander knows of nothing above it, which saves it the time to go through that.
 *
 * @throws `COMMAND_UNKNOWN`
 */
async function find(
  group: Group,
  [word, ...rest]: readonly string[],
): Promise<readonly [Command, readonly string[]]> {
  if (word === undefined) return [listOf(group), ['--help']];
  if (word.startsWith('-')) return [listOf(group), [word, ...rest]];
  const all: Entries = Object.assign({}, ...Object.values(group.headings));
  const entry = Object.hasOwn(all, word) ? all[word] : undefined;
  if (entry === undefined) throw await unknown(word, group, Object.keys(all));
  const [about, what] = entry;
  const line = `${group.line} ${word}`;
  if (typeof what !== 'function')
    return await find({ line, about, headings: { 'Commands:': what } }, rest);
  const command = held(await what())
    .name(line)
    .configureHelp(HELP);
  return [command, await plain(command, rest)];
}

/** What stands for a group where none of its commands is said: its help. */
function listOf({ line, about, headings }: Group): Command {
  const list = held(new Command(line)).description(about).helpCommand(false);
  for (const [heading, entries] of Object.entries(headings))
    for (const [name, [about, , hidden = false]] of Object.entries(entries))
      list.addCommand(new Command(name).description(about).helpGroup(heading), { hidden });
  return line === ALL.line ? list.version(VERSION, '-v, --version') : list;
}

/** Loads what reads `--rm=false` for those who write such a thing. */
async function plain(command: Command, words: readonly string[]): Promise<readonly string[]> {
  if (!words.some((word) => /^--[\w-]+=/.test(word))) return words;
  return (await import('./switches.ts')).withoutSwitchValues(command, words);
}

/** What is wrong with a command's words is for us to say, and its end for us to bring. */
function held(command: Command): Command {
  command.commands.forEach(held);
  return command.configureOutput({ outputError: () => undefined }).exitOverride((error) => {
    misused = command;
    throw error;
  });
}

async function unknown(
  word: string,
  { line }: Group,
  known: readonly string[],
): Promise<ClocheError> {
  const { suggest } = await import('../suggest.ts');
  const meant = suggest(word, known);
  return new ClocheError('COMMAND_UNKNOWN', `'${word}' is not a ${line} command`, {
    class: 'invalid-argument',
    hint: meant === undefined ? `see ${line} --help` : `did you mean ${meant}? See ${line} --help`,
  });
}

main(process.argv.slice(2))
  .catch(async (error: unknown) => {
    if (!(error instanceof CommanderError)) process.exitCode = printError(error);
    else if (error.exitCode === 0) process.exitCode = 0;
    else process.exitCode = (await import('./usage.ts')).printMisuse(error, misused);
  })
  .finally(async () => {
    await flushed();
    process.exit();
  });
