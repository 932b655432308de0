import { splitWords } from './words.ts';

/** A piece of the Dockerfile that is a file's content, or a script. */
export interface Heredoc {
  readonly name: string;
  /** Ends with a newline unless empty; of a `<<-` one the tabs that lines begin with are gone. */
  readonly content: string;
  /** False where the name was quoted: variables stay as they are. */
  readonly expands: boolean;
}

/** `<<EOF`, `<<-"EOF"`: where a heredoc is announced. */
export interface Announced {
  readonly name: string;
  readonly expands: boolean;
  /** By `<<-`: lines lose the tabs that they begin with, the last one too. */
  readonly chomps: boolean;
}

/** The heredocs that an instruction's text announces, in their order; each is a whole word. */
export function announced(text: string, esc: string): Announced[] {
  if (!text.includes('<<')) return [];
  return splitWords(text, esc).flatMap((word) => asHeredoc(word) ?? []);
}

/** A word that announces a heredoc. Only standard input is meant: `3<<EOF` is the shell's own. */
export function asHeredoc(word: string): Announced | undefined {
  const [, descriptor = '', dash, rest = ''] = /^(\d*)<<(-?)([^<]+)$/s.exec(word) ?? [];
  if (rest === '' || Number(descriptor) !== 0) return undefined;
  const name = rest.replace(/["'\\]/g, '');
  return name === '' ? undefined : { name, expands: name === rest, chomps: dash === '-' };
}
