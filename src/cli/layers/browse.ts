import type { Analysis } from '../../image/layers/index.ts';
import { print, standard } from '../print.ts';
import { beginning, type Key, pressed, screen } from './browser.ts';

/** What terminals send, and vi's letters for the same. */
const KEYS: Readonly<Record<string, Key>> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  k: 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  j: 'down',
  '\x1b[5~': 'page-up',
  '\x1b[6~': 'page-down',
  ' ': 'page-down',
  '\x1b[H': 'home',
  g: 'home',
  '\x1b[F': 'end',
  G: 'end',
  '\r': 'in',
  '\n': 'in',
  '\x1b[C': 'in',
  '\x1bOC': 'in',
  l: 'in',
  '\x7f': 'out',
  '\x1b[D': 'out',
  '\x1bOD': 'out',
  h: 'out',
  q: 'quit',
  '\x03': 'quit',
  '\x04': 'quit',
  '\x1b': 'quit',
};

/**
 * Lets somebody go through the layers' files at the terminal. It has a screen of its own meanwhile
 * and is as it was afterwards, whatever happens.
 */
export async function browseLayers(image: string, analysis: Analysis): Promise<void> {
  const { stdin } = process;
  const stdout = standard(1);
  let place = beginning(image, analysis);
  const rows = () => stdout.rows ?? 24;
  const show = () =>
    print(`\x1b[H\x1b[2J${screen(place, rows(), stdout.columns ?? 80).join('\r\n')}`);
  stdin.setRawMode(true);
  print('\x1b[?1049h\x1b[?25l');
  process.on('SIGWINCH', show);
  try {
    show();
    for await (const chunk of stdin) {
      for (const [word] of String(chunk).matchAll(WORDS)) {
        const key = KEYS[word];
        const next = key === undefined ? place : pressed(place, key, rows() - 2);
        if (next === undefined) return;
        place = next;
      }
      show();
    }
  } finally {
    process.off('SIGWINCH', show);
    print('\x1b[?25h\x1b[?1049l');
    stdin.setRawMode(false);
  }
}

/** One key each: an escape sequence, or a letter; several come at once where the reader types fast. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const WORDS = /\x1b(?:[[O][\d;]*[A-Za-z~])?|[^\x1b]/gs;
