import type { Statement } from './split.ts';

type Kind = 'text' | 'switch' | 'many';

/** The flags that each keyword takes; `many` may stand there more than once. */
export const FLAGS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  FROM: { platform: 'text' },
  RUN: { mount: 'many', network: 'text', security: 'text' },
  COPY: {
    ...{ from: 'text', chown: 'text', chmod: 'text' },
    ...{ link: 'switch', parents: 'switch', exclude: 'many' },
  },
  ADD: {
    ...{ chown: 'text', chmod: 'text', link: 'switch', exclude: 'many' },
    ...{ checksum: 'text', 'keep-git-dir': 'switch', unpack: 'switch' },
  },
  HEALTHCHECK: {
    ...{ interval: 'text', timeout: 'text', 'start-period': 'text' },
    ...{ 'start-interval': 'text', retries: 'text' },
  },
};

/** The value of a flag that is there once at most. */
export function flag(statement: Statement, name: string): string | undefined {
  return statement.flags.find(([flagName]) => flagName === name)?.[1];
}

export function flags(statement: Statement, name: string): string[] {
  return statement.flags.flatMap(([flagName, value]) => (flagName === name ? [value] : []));
}

/** `--link`, `--link=false`; undefined if it is not there. @throws {SyntaxError} */
export function switched(statement: Statement, name: string): boolean | undefined {
  const value = flag(statement, name)?.toLowerCase();
  if (value === undefined) return undefined;
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw new SyntaxError(`expecting boolean value for flag --${name}, not: ${value}`);
}

/** One of a few values. @throws {SyntaxError} */
export function choice<const T extends string>(
  statement: Statement,
  name: string,
  values: readonly T[],
): T | undefined {
  const said = flag(statement, name);
  const known = values.find((value) => value === said);
  if (said !== undefined && known === undefined)
    throw new SyntaxError(`--${name} is ${values.join(', ')}, not '${said}'`);
  return known;
}

/** What is wrong with a statement's flags: the first that is unknown, twice there or without value. */
export function wrongFlag(
  statement: Statement,
): { readonly name: string; readonly message: string; readonly isUnknown: boolean } | undefined {
  const known = FLAGS[statement.keyword] ?? {};
  const seen = new Set<string>();
  for (const [name, value] of statement.flags) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    const wrong = (message: string) => ({ name, message, isUnknown: kind === undefined });
    if (kind === undefined) return wrong(`unknown flag: ${statement.keyword} --${name}`);
    if (seen.has(name) && kind !== 'many') return wrong(`duplicate flag specified: --${name}`);
    if (value === '' && kind !== 'switch') return wrong(`missing a value on flag: --${name}`);
    seen.add(name);
  }
  return undefined;
}
