import { DockerfileParser, type Instruction as Node } from 'dockerfile-ast';
import type { Place, Source } from './source.ts';

/** One instruction as it stands in the file, not yet understood. */
export interface Statement {
  /** Upper case: `RUN`. */
  readonly keyword: string;
  /** `--from=base` → from: base; a flag without value has ''. In the order of the file. */
  readonly flags: readonly (readonly [name: string, value: string])[];
  /** What follows, continuation lines joined, without comments and without heredocs' content. */
  readonly text: string;
  readonly heredocs: readonly Heredoc[];
  readonly place: Place;
}

export interface Heredoc {
  readonly name: string;
  /** Ends with a newline unless empty. */
  readonly content: string;
  /** False where the name was quoted: variables stay as they are. */
  readonly expands: boolean;
}

/** A Dockerfile's statements, and its escape character (`\` or a backtick, by directive). */
export function split(source: Source): { statements: Statement[]; esc: string } {
  const file = DockerfileParser.parse(source.text);
  const esc = directive(source.text) ?? '\\';
  const lines = source.text.split(/\r?\n/);
  const statements = file.getInstructions().map((node) => statementOf(node, lines, esc));
  return { statements, esc };
}

function directive(text: string): string | undefined {
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^#\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (name === undefined) return undefined;
    if (name.toLowerCase() === 'escape') return value;
  }
  return undefined;
}

function statementOf(node: Node, lines: readonly string[], esc: string): Statement {
  const { start, end } = node.getRange();
  const { logical, next } = join(lines, start.line, end.line, esc);
  const keyword = node.getKeyword();
  const { flags, text } = takeFlags(logical.slice(logical.search(/\S/) + keyword.length).trim());
  return {
    keyword,
    flags,
    text,
    heredocs: ['RUN', 'COPY', 'ADD'].includes(keyword) ? heredocsOf(text, lines, next) : [],
    place: { line: start.line + 1, column: start.character + 1, endLine: end.line + 1 },
  };
}

/** Joins continued lines; comment lines and empty ones between them vanish. */
function join(lines: readonly string[], first: number, last: number, esc: string) {
  let logical = '';
  let next = first;
  while (next <= last) {
    const line = lines[next] ?? '';
    next++;
    if (next > first + 1 && (/^\s*#/.test(line) || line.trim() === '')) continue;
    const trimmed = line.trimEnd();
    if (!trimmed.endsWith(esc)) return { logical: logical + line, next };
    logical += trimmed.slice(0, -1);
  }
  return { logical, next };
}

function takeFlags(text: string): Pick<Statement, 'flags' | 'text'> {
  const flags: [string, string][] = [];
  let rest = text;
  for (;;) {
    const match = /^--([a-zA-Z][\w-]*)(?:=("[^"]*"|\S*))?(?:\s+|$)/.exec(rest);
    if (match === null) return { flags, text: rest };
    flags.push([match[1] ?? '', (match[2] ?? '').replace(/^"(.*)"$/, '$1')]);
    rest = rest.slice(match[0].length);
  }
}

/** The heredocs that `text` announces, whose content begins at line `next`. */
function heredocsOf(text: string, lines: readonly string[], next: number): Heredoc[] {
  const found: Heredoc[] = [];
  let at = next;
  for (const match of text.matchAll(/(?<!<)\d*<<(-?)(['"]?)([a-zA-Z_]\w*)\2(?=\s|$|[;&|)>])/g)) {
    const [, dash, quote, name = ''] = match;
    const content: string[] = [];
    for (; at < lines.length; at++) {
      const line = dash === '-' ? (lines[at] ?? '').replace(/^\t+/, '') : (lines[at] ?? '');
      if (line === name) break;
      content.push(`${line}\n`);
    }
    at++;
    found.push({ name, content: content.join(''), expands: quote === '' });
  }
  return found;
}
