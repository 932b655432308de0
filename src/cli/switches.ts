import type { Command, Option } from 'commander';

/** What Go's strconv.ParseBool takes, which docker asks. */
const YES = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const NO = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/**
 * Docker's switches may have a value, `--rm=false`, and commander's may not: the words in which each such
 * switch is as it is wanted. What stands behind `--`, or in `run` behind the image, is somebody else's.
 *
 * @throws {CommanderError} in docker's words
 */
export function withoutSwitchValues(command: Command, words: readonly string[]): string[] {
  const plain: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--' || isOthers(command, word)) return [...plain, ...words.slice(at)];
    plain.push(...meant(command, word));
    if (!takesNext(command, word)) continue;
    at++;
    plain.push(...words.slice(at, at + 1));
  }
  return plain;
}

/** Whether this word and all that come after it are no flags of ours. */
function isOthers(command: Command, word: string): boolean {
  return !word.startsWith('-') && isPassingThrough(command);
}

function isPassingThrough(command: Command): boolean {
  // Commander tells nobody.
  return (
    (command as Command & { readonly _passThroughOptions?: boolean })._passThroughOptions === true
  );
}

/** The word as it was, or the switch without its value: as it is called, its opposite, or nothing. */
function meant(command: Command, word: string): string[] {
  const [, name, value = ''] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
  const find = (long: string) => command.options.find((one) => one.long === long && isSwitch(one));
  const [on, off] = [find(`--${name}`), find(`--no-${name}`)];
  const known = on ?? off;
  if (name === undefined || known === undefined) return [word];
  if (YES.includes(value)) return on === undefined ? [] : [`--${name}`];
  if (NO.includes(value)) return off === undefined ? [] : [`--no-${name}`];
  return command.error(
    `invalid argument "${value}" for "${known.flags}" flag: it is true or false`,
  );
}

function isSwitch({ required, optional }: Option): boolean {
  return !required && !optional;
}

/** Whether a flag has its value in the next word: `--name box`, `-m 64m`, `-itv a:b`. */
function takesNext({ options }: Command, word: string): boolean {
  const needs = (test: (option: Option) => boolean) => options.find(test)?.required === true;
  if (word.startsWith('--')) return !word.includes('=') && needs(({ long }) => long === word);
  if (!word.startsWith('-')) return false;
  const letters = [...word.slice(1)];
  const first = letters.findIndex((letter) => needs(({ short }) => short === `-${letter}`));
  return first >= 0 && first === letters.length - 1;
}
