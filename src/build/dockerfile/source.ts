import { ClocheError } from '../../error.ts';

/** A Dockerfile's text by the name it is called in messages. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** Where something stands in a Dockerfile; all from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** The last line of the same instruction. */
  readonly endLine: number;
}

/**
 * An error at a place: the message begins with `Dockerfile:3:1`, the hint ends with the lines
 * themselves, marked.
 */
export function errorAt(
  code: string,
  source: Source,
  place: Place,
  message: string,
  hint?: string,
): ClocheError {
  const at = `${source.name}:${place.line}:${place.column}`;
  const shown = excerpt(source, place);
  return new ClocheError(code, `${at}: ${message}`, {
    class: 'invalid-argument',
    hint: hint === undefined ? shown : `${hint}\n${shown}`,
    details: { file: source.name, line: place.line, column: place.column, excerpt: shown },
  });
}

/** The lines of an instruction, marked, with two around them, as BuildKit prints them. */
function excerpt({ name, text }: Source, { line, endLine }: Place): string {
  const lines = text.split(/\r?\n/);
  const shown: string[] = [`${name}:${line}`, '-'.repeat(20)];
  for (let at = Math.max(1, line - 2); at <= Math.min(lines.length, endLine + 2); at++) {
    const mark = at >= line && at <= endLine ? '>>>' : '   ';
    shown.push(`${String(at).padStart(4)} | ${mark} ${lines[at - 1] ?? ''}`.trimEnd());
  }
  return [...shown, '-'.repeat(20)].join('\n');
}
