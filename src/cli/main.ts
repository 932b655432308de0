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

/** The command line: finds the command that is meant, loads what is its own, and runs it. */
async function main(words: readonly string[]): Promise<void> {
  const program = held(new Command('cloche'))
    .description(
      'Containers under glass: made by hand, on your own kernel, and you see what it did.',
    )
    .version(VERSION, '-v, --version')
    .enablePositionalOptions();
  const said = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  await program.parseAsync(await fill(program, COMMANDS, said), { from: 'user' });
}

/**
 * Adds to `parent` the command that the words begin with; without one, all of them by name, for its
 * help. @returns the words as commander can read them. @throws `COMMAND_UNKNOWN`
 */
async function fill(
  parent: Command,
  groups: Readonly<Record<string, Entries>>,
  [word, ...rest]: readonly string[],
): Promise<string[]> {
  if (word === undefined || word.startsWith('-')) {
    for (const [heading, entries] of Object.entries(groups))
      for (const [name, [about, , hidden = false]] of Object.entries(entries))
        parent.addCommand(new Command(name).description(about).helpGroup(heading), { hidden });
    parent.helpCommand(false);
    return word === undefined ? ['--help'] : [word, ...rest];
  }
  const all: Entries = Object.assign({}, ...Object.values(groups));
  const entry = Object.hasOwn(all, word) ? all[word] : undefined;
  if (entry === undefined) throw await unknown(word, parent, Object.keys(all));
  const [about, what] = entry;
  if (typeof what === 'function') {
    const command = held(await what()).name(word);
    parent.addCommand(command.configureHelp(HELP));
    return [word, ...(await plain(command, rest))];
  }
  const group = held(new Command(word)).description(about).enablePositionalOptions();
  parent.addCommand(group);
  return [word, ...(await fill(group, { 'Commands:': what }, rest))];
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
  parent: Command,
  known: readonly string[],
): Promise<ClocheError> {
  const { suggest } = await import('../suggest.ts');
  const line = parent.name() === 'cloche' ? 'cloche' : `cloche ${parent.name()}`;
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
