import type { HealthcheckSpec, Meaning } from './instruction.ts';
import { commandOf } from './json.ts';
import { flag } from './known-flags.ts';
import type { Statement } from './split.ts';

/** What a HEALTHCHECK says. @throws {SyntaxError} */
export function healthcheck(statement: Statement): Meaning {
  const [, type = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(statement.text) ?? [];
  if (type === '') throw new SyntaxError('HEALTHCHECK requires at least one argument');
  if (type.toUpperCase() === 'NONE') {
    if (rest !== '') throw new SyntaxError('HEALTHCHECK NONE takes no arguments');
    return { kind: 'healthcheck', check: { command: 'none' } };
  }
  if (type.toUpperCase() !== 'CMD')
    throw new SyntaxError(`unknown type "${type}" in HEALTHCHECK (try CMD)`);
  if (rest === '') throw new SyntaxError('missing command after HEALTHCHECK CMD');
  const said = Object.entries({
    Interval: nanoseconds(statement, 'interval'),
    Timeout: nanoseconds(statement, 'timeout'),
    StartPeriod: nanoseconds(statement, 'start-period'),
    StartInterval: nanoseconds(statement, 'start-interval'),
    Retries: retries(statement),
  }).filter(([, value]) => value !== undefined);
  const check: HealthcheckSpec = { ...Object.fromEntries(said), command: commandOf(rest) };
  return { kind: 'healthcheck', check };
}

function retries(statement: Statement): number | undefined {
  const text = flag(statement, 'retries');
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new SyntaxError(`--retries is a number of 0 or more, not '${text}'`);
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ ns: 1, us: 1e3, µs: 1e3, ms: 1e6 },
  ...{ s: 1e9, m: 60e9, h: 3600e9 },
};
const MIN = 1e6;

/** A flag that is one of Go's durations: `1m30s`, `0`. */
function nanoseconds(statement: Statement, name: string): number | undefined {
  const text = flag(statement, name);
  if (text === undefined || text === '0') return text === undefined ? undefined : 0;
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text))
    throw new SyntaxError(`invalid duration '${text}'`);
  let total = 0;
  for (const [, number, unit = 's'] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(number) * (UNITS[unit] ?? 0);
  if (total !== 0 && total < MIN) throw new SyntaxError(`--${name} cannot be less than 1ms`);
  return total;
}
