import { ClocheError } from '../../error.ts';
import { type Token, tokens } from './tokens.ts';

/** What a template is made of; the part of Go's text/template that people use with docker. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipe: Pipe;
      /** `range $i, $v := …`; one name alone is the value's. */
      readonly names: readonly string[];
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** Commands, each given the result of the one before as its last argument. */
export type Pipe = readonly Call[];
/** Operands; the first may be a function's name. */
export type Call = readonly Operand[];
export type Operand = { readonly path: readonly string[] } & (
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
);

/** @throws {ClocheError} `FORMAT_INVALID` */
export function parseTemplate(template: string): readonly Node[] {
  const parser = new Parser(template, tokens(template));
  const nodes = parser.nodes();
  if (parser.peek() !== undefined) throw invalid(template, `unexpected {{${parser.peek()?.text}}}`);
  return nodes;
}

export function invalid(template: string, why: string): ClocheError {
  return new ClocheError('FORMAT_INVALID', `template parsing error: ${why}`, {
    class: 'invalid-argument',
    hint: 'a format looks like {{.State.Pid}}, {{json .Config}} or {{range .Mounts}}{{.Source}} {{end}}',
    details: { template },
  });
}

const LITERALS = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** Goes through the tokens once, from left to right. */
class Parser {
  readonly #template: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(template: string, all: readonly Token[]) {
    this.#template = template;
    this.#tokens = all;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** Up to `else`, `end` or the end of the template. */
  nodes(): Node[] {
    const nodes: Node[] = [];
    for (let token = this.peek(); token !== undefined; token = this.peek()) {
      if (token.kind === 'word' && (token.text === 'end' || token.text === 'else')) break;
      if (token.kind === 'text') nodes.push({ kind: 'text', text: this.#next().text });
      else nodes.push(this.#action(token));
    }
    return nodes;
  }

  #action(token: Token): Node {
    const { text } = token;
    if (token.kind !== 'word' || (text !== 'if' && text !== 'with' && text !== 'range'))
      return { kind: 'value', pipe: this.#pipe('close') };
    this.#at++;
    const names = this.#names();
    const pipe = this.#pipe('close');
    const then = this.nodes();
    return { kind: text, pipe, names, then, otherwise: this.#otherwise() };
  }

  /** What follows `else` up to `end`; `else if` is an `if` in its place. */
  #otherwise(): readonly Node[] {
    const { text } = this.#next('end or else');
    if (text === 'end') {
      this.#expect('close');
      return [];
    }
    const next = this.peek();
    if (next?.kind === 'word' && next.text === 'if') return [this.#action(next)];
    this.#expect('close');
    const nodes = this.nodes();
    if (this.#next('end').text !== 'end') throw invalid(this.#template, 'else without end');
    this.#expect('close');
    return nodes;
  }

  /** `$i, $v :=` */
  #names(): string[] {
    const names: string[] = [];
    const start = this.#at;
    while (this.peek()?.kind === 'variable') {
      names.push(this.#next().text);
      if (this.peek()?.kind === 'comma') this.#at++;
    }
    if (names.length > 0 && this.peek()?.kind === 'assign') {
      this.#at++;
      return names;
    }
    this.#at = start;
    return [];
  }

  #pipe(end: 'close' | 'right'): Pipe {
    const calls: Operand[][] = [[]];
    for (;;) {
      const token = this.#next(end === 'close' ? '}}' : ')');
      if (token.kind === end) break;
      if (token.kind === 'pipe') calls.push([]);
      else calls.at(-1)?.push(this.#operand(token));
    }
    if (calls.some((call) => call.length === 0)) throw invalid(this.#template, 'missing value');
    return calls;
  }

  #operand(token: Token): Operand {
    const { kind, text } = token;
    const path: readonly string[] = [];
    if (kind === 'field') return { kind: 'dot', path: fieldsOf(text) };
    if (kind === 'string') return { kind: 'literal', value: text, path };
    if (kind === 'number') return { kind: 'literal', value: Number(text), path };
    if (kind === 'variable') return { kind: 'variable', name: text, path: this.#fields() };
    if (kind === 'left') return { kind: 'pipe', pipe: this.#pipe('right'), path: this.#fields() };
    const literal = LITERALS.get(text);
    if (kind === 'word' && literal !== undefined) return { kind: 'literal', value: literal, path };
    if (kind === 'word') return { kind: 'function', name: text, path };
    throw invalid(this.#template, `unexpected "${text}" in operand`);
  }

  /** `.A.B` right behind a variable or a parenthesis. */
  #fields(): readonly string[] {
    const next = this.peek();
    if (next?.kind !== 'field' || !next.isAttached) return [];
    return fieldsOf(this.#next().text);
  }

  #next(wanted = 'more'): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw invalid(this.#template, `unexpected EOF, expected ${wanted}`);
    return token;
  }

  #expect(kind: Token['kind']): void {
    const token = this.#next();
    if (token.kind !== kind) throw invalid(this.#template, `unexpected "${token.text}"`);
  }
}

function fieldsOf(text: string): string[] {
  return text.split('.').filter((name) => name !== '');
}
