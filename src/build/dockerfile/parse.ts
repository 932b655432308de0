import { DISPATCH, FLAGS, FLAGS_NOT_YET, flag, NOT_YET } from './dispatch.ts';
import type { Arg, Instruction } from './instruction.ts';
import { errorAt, type Place, type Source } from './source.ts';
import { type Statement, split } from './split.ts';
import { suggest } from './suggest.ts';

/** A Dockerfile, understood; nothing is expanded yet. */
export interface Dockerfile {
  readonly source: Source;
  readonly esc: string;
  /** The ARGs before the first FROM, which FROM lines may use. */
  readonly args: readonly Arg[];
  readonly stages: readonly Stage[];
}

export interface Stage {
  /** Lower case, from `AS name`. */
  readonly name: string | undefined;
  /** What FROM says: an image or an earlier stage, variables not expanded. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly place: Place;
  readonly text: string;
  readonly instructions: readonly Instruction[];
}

/**
 * Understands a Dockerfile. Pure.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`, `DOCKERFILE_UNSUPPORTED`: with file, line, column, and
 * the lines marked.
 */
export function parse(source: Source): Dockerfile {
  const { statements, esc } = split(source);
  const args: Arg[] = [];
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const statement of statements) {
    const stage = stages.at(-1);
    checkKeyword(source, statement);
    checkFlags(source, statement);
    if (statement.keyword === 'FROM') stages.push(from(source, statement));
    else {
      const instruction = understand(source, statement, esc);
      if (stage !== undefined) stage.instructions.push(instruction);
      else if (instruction.kind === 'arg') args.push(...instruction.args);
      else
        throw invalid(source, statement, `no build stage in current context: FROM must come first`);
    }
  }
  if (stages.length === 0) {
    const place = { line: 1, column: 1, endLine: 1 };
    const what = statements.length === 0 ? 'the Dockerfile cannot be empty' : 'there is no FROM';
    throw errorAt('DOCKERFILE_INVALID', source, place, what, 'Begin it with FROM debian:bookworm.');
  }
  return { source, esc, args, stages };
}

function checkKeyword(source: Source, statement: Statement): void {
  const { keyword, place } = statement;
  if (keyword === 'FROM' || Object.hasOwn(DISPATCH, keyword)) return;
  const instead = Object.hasOwn(NOT_YET, keyword) ? NOT_YET[keyword] : undefined;
  if (instead !== undefined)
    throw errorAt(
      'DOCKERFILE_UNSUPPORTED',
      ...[source, place, `${keyword} is not supported yet`, `${instead}.`],
    );
  const meant = suggest(keyword, ['FROM', ...Object.keys(DISPATCH), ...Object.keys(NOT_YET)]);
  const hint = meant === undefined ? undefined : `Did you mean ${meant}?`;
  throw invalid(source, statement, `unknown instruction: ${keyword}`, hint);
}

function checkFlags(source: Source, statement: Statement): void {
  const known = FLAGS[statement.keyword] ?? [];
  for (const [name] of statement.flags) {
    if (known.includes(name)) continue;
    const what = `${statement.keyword} --${name}`;
    if (FLAGS_NOT_YET.includes(name))
      throw errorAt(
        'DOCKERFILE_UNSUPPORTED',
        ...[source, statement.place, `${what} is not supported yet`],
      );
    const meant = suggest(name, known);
    const hint = meant === undefined ? undefined : `Did you mean --${meant}?`;
    throw invalid(source, statement, `unknown flag: ${what}`, hint);
  }
}

function from(source: Source, statement: Statement): Stage & { instructions: Instruction[] } {
  const { text, place } = statement;
  const [, base, name] = /^(\S+)(?:\s+as\s+(\S+))?$/i.exec(text) ?? [];
  if (base === undefined)
    throw invalid(source, statement, 'FROM requires either one or three arguments');
  if (name !== undefined && !/^[a-z][a-z0-9_.-]*$/i.test(name))
    throw invalid(source, statement, `invalid name for build stage: "${name}"`);
  return {
    name: name?.toLowerCase(),
    base,
    platform: flag(statement, 'platform'),
    place,
    text: `FROM ${text}`,
    instructions: [],
  };
}

function understand(source: Source, statement: Statement, esc: string): Instruction {
  const { keyword, text, flags, place } = statement;
  const given = flags.map(([name, value]) => (value === '' ? `--${name}` : `--${name}=${value}`));
  try {
    const meaning = DISPATCH[keyword]?.(statement, esc);
    if (meaning === undefined) throw new Error(`${keyword} was checked before`);
    return { ...meaning, place, text: [keyword, ...given, text].join(' ').replace(/\s+/g, ' ') };
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(source, statement, error.message);
    throw error;
  }
}

function invalid(source: Source, { place }: Statement, message: string, hint?: string) {
  return errorAt('DOCKERFILE_INVALID', source, place, message, hint);
}
