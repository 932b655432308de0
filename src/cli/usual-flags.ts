import { type Command, Option } from 'commander';

/** What was said after a command's name. Who asks for help wants to see all of its flags. */
export function wordsOf(name: string): readonly string[] {
  const words = process.argv.slice(2);
  return words[0] === 'help' ? ['--help'] : words.slice(words.indexOf(name) + 1);
}

/** A flag as commander spells it, what it is about, and how it differs from a plain one. */
export type Flag = readonly [spelled: string, about: string, shape?: (option: Option) => Option];

/** Collects the values of a flag in the manner of `parse`. */
export function read<T>(parse: (text: string, before: T) => T): (option: Option) => Option {
  return (option) => option.argParser(parse);
}

export function withFlags(command: Command, flags: readonly Flag[]): Command {
  for (const [spelled, about, shape = (option: Option) => option] of flags)
    command.addOption(shape(new Option(spelled, about)));
  return command;
}

/**
 * Those flags that are among the words: each that commander makes costs a command some of its time. Undefined
 * where a word may be another flag, so that all are needed, the rare ones too.
 *
 * @param about `endsAtWord`: what comes after the first word that is no flag is somebody else's.
 */
export function saidAmong(
  all: readonly Flag[],
  words: readonly string[],
  about: { readonly endsAtWord?: boolean } = {},
): readonly Flag[] | undefined {
  const said = new Set<Flag>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') {
      if (about.endsAtWord) break;
      continue;
    }
    const [long, value] = word.split('=', 2);
    const names = word.startsWith('--') ? [long] : [...word.slice(1)].map((one) => `-${one}`);
    for (const [i, name] of names.entries()) {
      const flag = all.find(([spelled]) => namesOf(spelled).includes(name ?? ''));
      if (flag === undefined) return undefined;
      said.add(flag);
      if (!flag[0].includes('<')) continue;
      // Its value is the rest of this word, or else the next one.
      if (i === names.length - 1 && (value === undefined || !word.startsWith('--'))) at++;
      break;
    }
  }
  return [...said];
}

/** `-e, --env <entry>`: what it is called by. */
function namesOf(spelled: string): readonly string[] {
  return spelled.split(/,? /);
}
