import { type Directives, directivesOf } from './directives.ts';
import { takeFlags } from './flags.ts';
import { type Announced, announced, type Heredoc } from './heredoc.ts';
import { errorAt, linesOf, type Place, type Source } from './source.ts';

/** One instruction as it stands in the file, not yet understood. */
export interface Statement {
  /** Upper case: `RUN`. */
  readonly keyword: string;
  /** The keyword as it was written: `Run`. */
  readonly said: string;
  /** `--from=base` → from: base; a flag without value has ''. In the order of the file. */
  readonly flags: readonly (readonly [name: string, value: string])[];
  /** What follows, continuation lines joined, without comments and without heredocs' content. */
  readonly text: string;
  readonly heredocs: readonly Heredoc[];
  readonly place: Place;
  /** The comment lines right above it, without their `#`. */
  readonly comments: readonly string[];
  /** An empty line stands between its continuation lines. */
  readonly hasGap: boolean;
}

/** A Dockerfile's statements, not understood, and its directives. */
export interface Statements {
  readonly statements: readonly Statement[];
  readonly directives: Directives;
}

const TAKES_HEREDOCS = ['RUN', 'COPY', 'ADD', 'ONBUILD'];

/**
 * Cuts a Dockerfile into its statements, as BuildKit's parser does, line by line. Lines may end in
 * CRLF; a heredoc's then end in LF, since its reader is a Linux one. Pure.
 *
 * Ours, and not the package dockerfile-ast 0.7: that joins lines after a doubled escape character,
 * does not know a heredoc's quoted name with a space, and keeps no word of an unterminated one.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`
 */
export function split(source: Source): Statements {
  const lines = linesOf(source);
  const directives = directivesOf(source, lines);
  const statements: Statement[] = [];
  let comments: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    if (/^\s*#/.test(line)) comments.push(line.replace(/^\s*#\s*/, '').trimEnd());
    if (line.trim() === '') comments = [];
    if (/^\s*(#|$)/.test(line)) at++;
    else {
      const { statement, next } = statementAt(source, lines, at, directives.escape);
      if (statement !== undefined) statements.push({ ...statement, comments });
      comments = [];
      at = next;
    }
  }
  return { statements, directives };
}

function statementAt(source: Source, lines: readonly string[], first: number, esc: string) {
  const { logical, next, hasGap } = join(lines, first, esc);
  const [, said, rest = ''] = /^(\S+)(?:\s+(.*))?$/s.exec(logical.trim()) ?? [];
  // A line of nothing but an escape character continues into nothing.
  if (said === undefined) return { statement: undefined, next };
  const keyword = said.toUpperCase();
  const { flags, text } = takeFlags(rest);
  const column = (lines[first] ?? '').search(/\S/) + 1;
  const wanted = TAKES_HEREDOCS.includes(keyword) ? announced(text, esc) : [];
  const place = { line: first + 1, column, endLine: next };
  const read = readHeredocs(wanted, lines, next);
  if (read.missing !== undefined)
    throw errorAt(
      ...['DOCKERFILE_INVALID', source, place, 'unterminated heredoc'],
      `It must end with a line that is ${read.missing} and nothing else.`,
    );
  const { heredocs } = read;
  return {
    statement: {
      keyword,
      said,
      flags,
      text,
      heredocs,
      place: { ...place, endLine: read.next },
      hasGap,
    },
    next: read.next,
  };
}

/** Joins continued lines; comment lines and empty ones between them vanish. */
function join(lines: readonly string[], first: number, esc: string) {
  const pieces: string[] = [];
  let hasGap = false;
  let next = first;
  while (next < lines.length) {
    const line = lines[next++] ?? '';
    const isBetween = next > first + 1;
    if (isBetween && /^\s*#/.test(line)) continue;
    if (isBetween && line.trim() === '') {
      hasGap = true;
      continue;
    }
    const end = continuation(line, esc);
    pieces.push(line.slice(0, end));
    if (end === undefined) break;
  }
  return { logical: pieces.join(''), next, hasGap };
}

/** Where the escape character stands that joins a line with the next; a doubled one does not. */
function continuation(line: string, esc: string): number | undefined {
  const end = line.replace(/[ \t]+$/, '').length - 1;
  return line[end] === esc && line[end - 1] !== esc ? end : undefined;
}

function readHeredocs(wanted: readonly Announced[], lines: readonly string[], first: number) {
  const heredocs: Heredoc[] = [];
  let next = first;
  for (const { name, expands, chomps } of wanted) {
    const content: string[] = [];
    for (;;) {
      const whole = lines[next++];
      if (whole === undefined) return { heredocs, next, missing: name };
      const line = chomps ? whole.replace(/^\t+/, '') : whole;
      if (line === name) break;
      content.push(`${line}\n`);
    }
    heredocs.push({ name, expands, content: content.join('') });
  }
  return { heredocs, next, missing: undefined };
}
