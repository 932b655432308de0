import type { Arg, Command, Copy, HealthcheckSpec, Meaning, Pair, Run } from './instruction.ts';
import { readMount } from './mount.ts';
import type { Statement } from './split.ts';
import { splitWords } from './words.ts';

/** What each keyword but FROM means. They throw a SyntaxError; who calls knows the place. */
export const DISPATCH: Readonly<Record<string, (statement: Statement, esc: string) => Meaning>> = {
  RUN: run,
  COPY: copy,
  WORKDIR: (s) => ({ kind: 'workdir', path: required(s) }),
  ENV: (s, esc) => ({ kind: 'env', pairs: pairs(s, esc) }),
  LABEL: (s, esc) => ({ kind: 'label', pairs: pairs(s, esc) }),
  ARG: (s, esc) => ({ kind: 'arg', args: args(s, esc) }),
  USER: (s) => ({ kind: 'user', value: required(s) }),
  STOPSIGNAL: (s) => ({ kind: 'stopsignal', value: required(s) }),
  MAINTAINER: (s) => ({ kind: 'maintainer', value: required(s) }),
  CMD: (s) => ({ kind: 'cmd', command: command(s.text) }),
  ENTRYPOINT: (s) => ({ kind: 'entrypoint', command: command(s.text) }),
  EXPOSE: (s, esc) => ({ kind: 'expose', words: splitWords(required(s), esc) }),
  VOLUME: (s, esc) => ({ kind: 'volume', words: list(s, esc) }),
  SHELL: shell,
  HEALTHCHECK: healthcheck,
};

/** Valid, but not done yet; never ignored. */
export const NOT_YET: Readonly<Record<string, string>> = {
  ADD: 'COPY does the same for local files',
  ONBUILD: 'write the instruction into the Dockerfile that it is meant for',
};

/** The flags that each keyword takes here; of those that docker has more, `run` says so. */
export const FLAGS: Readonly<Record<string, readonly string[]>> = {
  FROM: ['platform'],
  RUN: ['mount', 'network', 'security'],
  COPY: ['from', 'chown', 'chmod'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
};

/** Flags that docker knows and we do not yet. */
export const FLAGS_NOT_YET: readonly string[] = [
  ...['device', 'link', 'parents', 'exclude', 'keep-git-dir', 'checksum'],
];

export function flag(statement: Statement, name: string): string | undefined {
  return statement.flags.findLast(([flagName]) => flagName === name)?.[1];
}

function run(statement: Statement): Meaning {
  const [only] = statement.heredocs;
  const text = required(statement);
  const about = runFlags(statement);
  if (only === undefined) return { kind: 'run', command: command(text), ...about };
  const isScript = statement.heredocs.length === 1 && /^<<-?(['"]?)\w+\1$/.test(text);
  // The shell reads its heredocs itself; only a script that is nothing but one is given as it is.
  const whole = isScript
    ? only.content
    : [text, ...statement.heredocs.map(({ name, content }) => `${content}${name}`), ''].join('\n');
  return { kind: 'run', command: { form: 'shell', text: whole }, ...about };
}

function runFlags(statement: Statement): Omit<Run, 'kind' | 'command'> {
  const network = choice(statement, 'network', ['default', 'none', 'host']) ?? 'default';
  return {
    security: choice(statement, 'security', ['sandbox', 'insecure']) ?? 'sandbox',
    mounts: statement.flags.flatMap(([name, value]) => (name === 'mount' ? readMount(value) : [])),
    ...(network === 'default' ? {} : { network }),
  };
}

function choice<const T extends string>(
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

function copy(statement: Statement, esc: string): Copy {
  const inlineNames = new Set<string>();
  const words = list(statement, esc).filter((word) => {
    const name = /^<<-?(['"]?)(\w+)\1$/.exec(word)?.[2];
    if (name !== undefined) inlineNames.add(name);
    return name === undefined;
  });
  const target = words.at(-1);
  const sources = words.slice(0, -1);
  const inline = statement.heredocs.filter(({ name }) => inlineNames.has(name));
  if (target === undefined || sources.length + inline.length === 0)
    throw new SyntaxError('COPY requires at least two arguments: sources and a destination');
  const chmod = flag(statement, 'chmod');
  if (chmod !== undefined && !/^[0-7]{3,4}$/.test(chmod))
    throw new SyntaxError(`--chmod takes an octal mode such as 755 or 0644, not '${chmod}'`);
  const [from, chown] = [flag(statement, 'from'), flag(statement, 'chown')];
  return { kind: 'copy', sources, target, inline, from, chown, chmod };
}

function shell({ text }: Statement): Meaning {
  const argv = execForm(text);
  if (argv === undefined || argv.length === 0)
    throw new SyntaxError('SHELL requires the arguments to be in JSON form');
  return { kind: 'shell', argv };
}

function healthcheck(statement: Statement): Meaning {
  const [, type = '', rest = ''] = /^(\w+)\s*(.*)$/s.exec(statement.text) ?? [];
  if (type.toUpperCase() === 'NONE') return { kind: 'healthcheck', check: { command: 'none' } };
  if (type.toUpperCase() !== 'CMD')
    throw new SyntaxError(`HEALTHCHECK is NONE or CMD, not '${type}'`);
  const duration = (name: string) => nanoseconds(flag(statement, name));
  const retries = flag(statement, 'retries');
  const check: Record<string, unknown> = {
    Interval: duration('interval'),
    Timeout: duration('timeout'),
    StartPeriod: duration('start-period'),
    StartInterval: duration('start-interval'),
    Retries: retries === undefined ? undefined : Number(retries),
  };
  const said = Object.entries(check).filter(([, value]) => value !== undefined);
  const all = { ...Object.fromEntries(said), command: command(rest) } as HealthcheckSpec;
  return { kind: 'healthcheck', check: all };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Go's durations: `1m30s`. */
function nanoseconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw new SyntaxError(`invalid duration '${text}'`);
  let total = 0;
  for (const [, number, unit = 's'] of text.matchAll(/([\d.]+)(ms|s|m|h)/g))
    total += Number(number) * (UNITS[unit] ?? 0);
  return total;
}

function pairs(statement: Statement, esc: string): Pair[] {
  const text = required(statement);
  const words = splitWords(text, esc);
  if (words[0]?.includes('=')) return words.map((word) => pair(statement, word));
  const [, key = '', value] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
  if (value === undefined) throw new SyntaxError(`${statement.keyword} must have two arguments`);
  return [[key, value]];
}

function pair(statement: Statement, word: string): Pair {
  const equals = word.indexOf('=');
  if (equals < 1)
    throw new SyntaxError(`can't find = in '${word}', must be ${statement.keyword} name=value`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function args(statement: Statement, esc: string): Arg[] {
  return splitWords(required(statement), esc).map((word) => {
    const [, name, value] = /^([a-zA-Z_]\w*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) throw new SyntaxError(`'${word}' is no ARG: NAME or NAME=default`);
    return value === undefined ? { name } : { name, value };
  });
}

function command(text: string): Command {
  const argv = execForm(text);
  return argv === undefined ? { form: 'shell', text } : { form: 'exec', argv };
}

function list(statement: Statement, esc: string): readonly string[] {
  return execForm(required(statement)) ?? splitWords(statement.text, esc);
}

/** A JSON array of strings, or undefined: anything else is meant for a shell. */
function execForm(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

function required({ keyword, text }: Statement): string {
  if (text === '') throw new SyntaxError(`${keyword} requires at least one argument`);
  return text;
}
