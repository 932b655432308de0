import { lutimesSync } from 'node:fs';
import { fromRaw, scan, scanAll, toRaw } from './scan.ts';

/**
 * Gives `date` to everything below `directory` that is younger: when it was made does not show any
 * more, so that the same input gives the same layer. Nothing may have it mounted.
 */
export function clampTimes(directory: string, date: Date): void {
  const limit = BigInt(date.getTime()) * 1_000_000n;
  const paths = scanAll(directory).filter(({ stat }) => stat.mtimeNs > limit);
  for (const { path } of paths) lutimesSync(fromRaw(`${toRaw(directory)}/${path}`), date, date);
}

/** When the youngest file of a directory was made. */
export function youngest(directory: string): Date {
  let newest = 0;
  for (const { stat } of scan(directory)) newest = Math.max(newest, Number(stat.mtimeMs));
  return new Date(newest);
}
