import { errorAt, type Source } from './source.ts';

/** What the comments at a Dockerfile's very top say to its reader. */
export interface Directives {
  /** `\` or a backtick. */
  readonly escape: string;
  /** The frontend that BuildKit would fetch; read, and without meaning here. */
  readonly syntax: string | undefined;
  /** `skip=A,B;error=true`; see `lint/`. */
  readonly check: string | undefined;
}

const KNOWN = ['escape', 'syntax', 'check'];

/**
 * Reads `# key=value` lines until one is anything else: an instruction, a comment, an empty line, a
 * key that is not known.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: a directive is there twice, an escape character is none.
 * @see https://docs.docker.com/reference/dockerfile/#parser-directives
 */
export function directivesOf(source: Source, lines: readonly string[]): Directives {
  const found = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const [, name = '', value = ''] = /^#\s*([a-zA-Z]\w*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!KNOWN.includes(key)) break;
    const place = { line: index + 1, column: 1, endLine: index + 1 };
    const refuse = (message: string, hint: string) =>
      errorAt('DOCKERFILE_INVALID', source, place, message, hint);
    if (found.has(key))
      throw refuse(`only one ${key} parser directive can be used`, 'Remove one of them.');
    if (key === 'escape' && value !== '\\' && value !== '`')
      throw refuse(`invalid ESCAPE '${value}'`, 'It is \\ or `.');
    found.set(key, value);
  }
  const [syntax, check] = [found.get('syntax'), found.get('check')];
  return { escape: found.get('escape') ?? '\\', syntax, check };
}
