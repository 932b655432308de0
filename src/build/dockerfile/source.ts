import { isUtf8 } from 'node:buffer';
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

/** An error of something that a Dockerfile names, at the place that names it. */
export function placed(error: ClocheError, source: Source, place: Place): ClocheError {
  const { message, hint, details } = errorAt(
    ...([error.code, source, place, error.message, error.hint] as const),
  );
  return new ClocheError(error.code, message, {
    class: error.class,
    hint,
    details: { ...error.details, ...details },
    cause: error.cause,
  });
}

/**
 * A Dockerfile's bytes as text, without a byte order mark.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: it is not UTF-8, or no text at all.
 */
export function decodeSource(name: string, bytes: Uint8Array): Source {
  const text = new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes);
  const source = { name, text };
  const strange = text.search(/[\0\uFFFD]/);
  // A replacement character may stand in the file itself, in UTF-8.
  if (strange < 0 || (text[strange] !== '\0' && isUtf8(bytes))) return source;
  const before = text.slice(0, strange).split('\n');
  const place = {
    ...{ line: before.length, column: (before.at(-1)?.length ?? 0) + 1 },
    endLine: before.length,
  };
  const isBinary = text[strange] === '\0';
  const message = isBinary ? 'a NUL byte does not belong in a Dockerfile' : 'it is not UTF-8';
  const hint = isBinary
    ? 'Is it a Dockerfile? In UTF-16 convert it: iconv -f utf-16 -t utf-8.'
    : 'In Latin-1 convert it: iconv -f latin1 -t utf-8.';
  throw errorAt('DOCKERFILE_INVALID', source, place, message, hint);
}

/** The lines without what ends them: LF or CRLF. */
export function linesOf({ text }: Source): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** The lines of an instruction, marked, with two around them, as BuildKit prints them. */
export function excerpt(source: Source, { line, endLine }: Place): string {
  const lines = linesOf(source);
  const shown: string[] = [`${source.name}:${line}`, '-'.repeat(20)];
  for (let at = Math.max(1, line - 2); at <= Math.min(lines.length, endLine + 2); at++) {
    const mark = at >= line && at <= endLine ? '>>>' : '   ';
    shown.push(`${String(at).padStart(4)} | ${mark} ${lines[at - 1] ?? ''}`.trimEnd());
  }
  return [...shown, '-'.repeat(20)].join('\n');
}
