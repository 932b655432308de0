import { suggest } from '../../suggest.ts';
import { DISPATCH, USAGE } from './dispatch.ts';
import type { Arg, Instruction } from './instruction.ts';
import { FLAGS, flag, wrongFlag } from './known-flags.ts';
import { errorAt, type Place, type Source } from './source.ts';
import { type Statement, split } from './split.ts';

/** A Dockerfile, understood; nothing is expanded yet. */
export interface Dockerfile {
  readonly source: Source;
  readonly esc: string;
  /** The ARGs before the first FROM, which FROM lines may use. */
  readonly args: readonly Arg[];
  /** Where each of them stands. */
  readonly argPlaces: readonly Place[];
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
 * @throws {ClocheError} `DOCKERFILE_INVALID`: with file, line, column, and the lines marked.
 */
export function parse(source: Source): Dockerfile {
  const { statements, directives } = split(source);
  const esc = directives.escape;
  const args: Arg[] = [];
  const argPlaces: Place[] = [];
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const statement of statements) {
    const stage = stages.at(-1);
    checkKeyword(source, statement);
    checkFlags(source, statement);
    if (statement.keyword === 'FROM') stages.push(from(source, statement));
    else {
      const instruction = understand(source, statement, esc);
      if (stage !== undefined) stage.instructions.push(instruction);
      else if (instruction.kind === 'arg') {
        args.push(...instruction.args);
        argPlaces.push(...instruction.args.map(() => statement.place));
      } else
        throw invalid(
          ...[source, statement, 'no build stage in current context: FROM must come first'],
          'Only ARG may stand before the first FROM.',
        );
    }
  }
  if (stages.length === 0) {
    const place = { line: 1, column: 1, endLine: 1 };
    const what = statements.length === 0 ? 'the Dockerfile cannot be empty' : 'there is no FROM';
    throw errorAt('DOCKERFILE_INVALID', source, place, what, 'Begin it with FROM debian:bookworm.');
  }
  return { source, esc, args, argPlaces, stages };
}

/**
 * What a trigger means that ONBUILD keeps in an image, or in an earlier stage. Its place is that of
 * the FROM which sets it off.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`
 */
export function parseTrigger({ source, esc }: Dockerfile, trigger: string, place: Place) {
  const [statement, more] = split({ name: 'ONBUILD', text: trigger }).statements;
  if (statement === undefined || more !== undefined)
    throw errorAt(
      ...['DOCKERFILE_INVALID', source, place, 'an ONBUILD trigger should be a single instruction'],
      `The image has: ${trigger}`,
    );
  const placed = { ...statement, place };
  checkKeyword(source, placed);
  checkFlags(source, placed);
  return understand(source, placed, esc);
}

function checkKeyword(source: Source, statement: Statement): void {
  const { keyword } = statement;
  if (keyword === 'FROM' || Object.hasOwn(DISPATCH, keyword)) return;
  const meant = suggest(keyword, ['FROM', ...Object.keys(DISPATCH)]);
  const hint =
    meant === undefined ? 'Instructions begin a line: RUN, COPY, …' : `Did you mean ${meant}?`;
  throw invalid(source, statement, `unknown instruction: ${keyword}`, hint);
}

function checkFlags(source: Source, statement: Statement): void {
  const wrong = wrongFlag(statement);
  if (wrong === undefined) return;
  const meant = wrong.isUnknown
    ? suggest(wrong.name, Object.keys(FLAGS[statement.keyword] ?? {}))
    : undefined;
  const hint = meant === undefined ? undefined : `Did you mean --${meant}?`;
  throw invalid(source, statement, wrong.message, hint);
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
    const line = [keyword, ...given, text].join(' ').replace(/\s+/g, ' ');
    return { ...meaning, place, text: line };
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(source, statement, error.message);
    throw error;
  }
}

function invalid(source: Source, { place, keyword }: Statement, message: string, hint?: string) {
  const usage = USAGE[keyword] === undefined ? undefined : `It is written ${USAGE[keyword]}.`;
  return errorAt('DOCKERFILE_INVALID', source, place, message, hint ?? usage);
}
