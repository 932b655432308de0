/** The functions of docker's templates. Source: docs.docker.com/engine/cli/formatting, text/template. */
export const FUNCTIONS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  json: (value) => JSON.stringify(value ?? null),
  index: (value, ...keys) => keys.reduce(entryOf, value),
  len: (value) => (typeof value === 'string' ? value.length : Object.keys(value ?? {}).length),
  join: (list, separator) => (list as unknown[]).map(printed).join(printed(separator)),
  split: (text, separator) => printed(text).split(printed(separator)),
  upper: (text) => printed(text).toUpperCase(),
  lower: (text) => printed(text).toLowerCase(),
  title: (text) => printed(text).replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  truncate: (text, length) => printed(text).slice(0, Number(length)),
  pad: (text, before, after) =>
    `${' '.repeat(Number(before))}${printed(text)}${' '.repeat(Number(after))}`,
  print: (...values) => values.map(printed).join(''),
  println: (...values) => `${values.map(printed).join(' ')}\n`,
  printf: (form, ...values) => formatted(printed(form), values),
  not: (value) => !isTrue(value),
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  eq: (value, ...others) => others.some((other) => other === value),
  ne: (value, other) => value !== other,
  lt: (a, b) => (a as number) < (b as number),
  le: (a, b) => (a as number) <= (b as number),
  gt: (a, b) => (a as number) > (b as number),
  ge: (a, b) => (a as number) >= (b as number),
};

/** As Go prints it: `[a b]`, `map[k:v]`, `<no value>`. */
export function printed(value: unknown): string {
  if (value === null || value === undefined) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(printed).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, one]) => `${key}:${printed(one)}`).join(' ')}]`;
}

/** Go's truth: not false, 0, empty or nil. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A key that is not there gives nothing, where a field would be an error. */
function entryOf(value: unknown, key: unknown): unknown {
  const name = String(key);
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return '';
  return (value as Record<string, unknown>)[name];
}

/** `%s`, `%v`, `%d`, `%q`, `%%`, with a width. */
function formatted(form: string, values: readonly unknown[]): string {
  let at = 0;
  return form.replace(/%(-?)(\d*)([svdq%])/g, (_, left: string, width: string, verb: string) => {
    if (verb === '%') return '%';
    const value = values[at++];
    const text = verb === 'q' ? JSON.stringify(printed(value)) : printed(value);
    return left === '-' ? text.padEnd(Number(width)) : text.padStart(Number(width));
  });
}
