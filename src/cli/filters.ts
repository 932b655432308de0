import { ClocheError } from '../error.ts';

/** What `--filter key=value` asks for: all values of a key; one of them must hold, of every key. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** @throws {ClocheError} `FILTER_INVALID`, in docker's words */
export function parseFilters(entries: readonly string[], known: readonly string[]): Filters {
  const filters = new Map<string, string[]>();
  for (const entry of entries) {
    const at = entry.indexOf('=');
    const key = entry.slice(0, Math.max(at, 0)).trim().toLowerCase();
    if (at < 0) throw invalid(`invalid filter '${entry}': it has no =`, known);
    if (!known.includes(key)) throw invalid(`invalid filter '${key}'`, known);
    filters.set(key, [...(filters.get(key) ?? []), entry.slice(at + 1)]);
  }
  return filters;
}

/** Whether one of the values of `key` holds; a key that was not given asks for nothing. */
export function holds(filters: Filters, key: string, test: (value: string) => boolean): boolean {
  return filters.get(key)?.some(test) ?? true;
}

/** As `holds`, for keys of which every value must hold: `label=a`, `label=b=c`. */
export function holdsAll(filters: Filters, key: string, test: (value: string) => boolean): boolean {
  return filters.get(key)?.every(test) ?? true;
}

/** Whether labels have what `key` or `key=value` asks for. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  if (at < 0) return Object.hasOwn(labels, wanted);
  const key = wanted.slice(0, at);
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(at + 1);
}

/** `true` or `1`, `false` or `0`. @throws {ClocheError} `FILTER_INVALID` */
export function truth(key: string, value: string): boolean {
  if (['true', '1'].includes(value)) return true;
  if (['false', '0'].includes(value)) return false;
  throw invalid(`invalid filter '${key}=${value}'`, ['true', 'false']);
}

/**
 * A point in time as `--since`, `--until` and their filters say it: `10m`, `1h30m`, `2d` before now,
 * RFC 3339, or seconds since the epoch. @returns milliseconds @throws {ClocheError} `TIME_INVALID`
 */
export function timeOf(text: string, now = Date.now()): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)];
  if (parts.length > 0 && parts.map(([whole]) => whole).join('') === text)
    return now - parts.reduce((sum, [, n, unit]) => sum + Number(n) * (UNITS[unit ?? ''] ?? 0), 0);
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(date)) return date;
  throw new ClocheError('TIME_INVALID', `'${text}' is no time`, {
    class: 'invalid-argument',
    hint: 'a time looks like 10m, 1h30m, 2026-01-31T12:00:00Z or 1767225600',
  });
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

function invalid(message: string, known: readonly string[]): ClocheError {
  return new ClocheError('FILTER_INVALID', message, {
    class: 'invalid-argument',
    hint: `there are ${known.join(', ')}`,
  });
}
