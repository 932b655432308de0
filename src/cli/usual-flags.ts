import type { Command } from 'commander';

/** What was said after a command's name. Who asks for help wants to see all of its flags. */
export function wordsOf(name: string): readonly string[] {
  const words = process.argv.slice(2);
  return words[0] === 'help' ? ['--help'] : words.slice(words.indexOf(name) + 1);
}

/**
 * Whether all flags among the words are the command's own, so that its rare ones need not be loaded. When in
 * doubt they must.
 *
 * @param about `endsAtWord`: what comes after the first word that is no flag is somebody else's.
 */
export function isEnough(
  { options }: Command,
  words: readonly string[],
  about: { readonly endsAtWord?: boolean } = {},
): boolean {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') return true;
    if (!word.startsWith('-') || word === '-') {
      if (about.endsAtWord) return true;
      continue;
    }
    const [long, value] = word.split('=', 2);
    const flags = word.startsWith('--') ? [long] : [...word.slice(1)].map((one) => `-${one}`);
    for (const [i, flag] of flags.entries()) {
      const known = options.find((one) => one.long === flag || one.short === flag);
      if (known === undefined) return false;
      if (!known.required) continue;
      // Its value is the rest of this word, or else the next one.
      if (i === flags.length - 1 && (value === undefined || !word.startsWith('--'))) at++;
      break;
    }
  }
  return true;
}
