import { invalid } from './parse.ts';

export interface Token {
  readonly kind:
    | 'text'
    | 'close'
    | 'field'
    | 'variable'
    | 'string'
    | 'number'
    | 'word'
    | 'pipe'
    | 'left'
    | 'right'
    | 'assign'
    | 'comma';
  /** Of a string, its value. */
  readonly text: string;
  /** Whether it follows what is before it without a blank. */
  readonly isAttached: boolean;
}

/** In an action, in this order. */
const FORMS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['assign', /:=|=/y],
  ['comma', /,/y],
  ['pipe', /\|/y],
  ['left', /\(/y],
  ['right', /\)/y],
  ['number', /-?\d+(?:\.\d+)?/y],
  ['variable', /\$\w*/y],
  ['field', /(?:\.\w+)+|\./y],
  ['string', /"(?:[^"\\]|\\.)*"|`[^`]*`/y],
  ['word', /[A-Za-z_]\w*/y],
];

/**
 * A template cut into its text and the tokens of its actions, `close` standing for `}}`. Comments
 * are gone, and so are the blanks that `{{-` and `-}}` take away.
 *
 * @throws {ClocheError} `FORMAT_INVALID`
 */
export function tokens(template: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  let trims = false;
  while (at < template.length) {
    const open = template.indexOf('{{', at);
    const raw = template.slice(at, open < 0 ? undefined : open);
    const trimmed = trims ? raw.trimStart() : raw;
    const leads = open >= 0 && /^\{\{-\s/.test(template.slice(open));
    const text = leads ? trimmed.trimEnd() : trimmed;
    if (text !== '') found.push({ kind: 'text', text, isAttached: false });
    if (open < 0) break;
    const action = actionFrom(template, open + (leads ? 3 : 2));
    found.push(...action.tokens);
    [at, trims] = [action.end, action.trims];
  }
  return found;
}

function actionFrom(template: string, from: number) {
  const comment = /\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/y;
  comment.lastIndex = from;
  const commented = comment.exec(template);
  if (commented !== null)
    return { tokens: [], end: comment.lastIndex, trims: commented[1] === '-' };
  const found: Token[] = [];
  for (let at = from; ; ) {
    const blanks = /\s*/y;
    blanks.lastIndex = at;
    blanks.exec(template);
    const isAttached = blanks.lastIndex === at;
    at = blanks.lastIndex;
    const close = /-?\}\}/y;
    close.lastIndex = at;
    const closed = close.exec(template);
    if (closed !== null && !(closed[0].startsWith('-') && isAttached)) {
      found.push({ kind: 'close', text: '}}', isAttached });
      return { tokens: found, end: close.lastIndex, trims: closed[0].startsWith('-') };
    }
    const { kind, text } = tokenAt(template, at);
    found.push({ kind, text: kind === 'string' ? unquoted(text, template) : text, isAttached });
    at += text.length;
  }
}

function tokenAt(template: string, at: number): Pick<Token, 'kind' | 'text'> {
  for (const [kind, form] of FORMS) {
    form.lastIndex = at;
    const match = form.exec(template);
    if (match !== null) return { kind, text: match[0] };
  }
  const rest = template.slice(at, at + 10);
  throw invalid(template, rest === '' ? 'unclosed action' : `unexpected "${rest}"`);
}

function unquoted(text: string, template: string): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    throw invalid(template, `invalid string ${text}`);
  }
}
