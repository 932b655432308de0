import {
  existsSync,
  lutimesSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fromRaw, scan, toRaw } from '../../layer/scan.ts';

/**
 * No file is younger than `date`: what was made just now depends no more on when that was, so that
 * the same packages give the same layer.
 */
export function clampTimes(directory: string, date: Date): void {
  const limit = BigInt(date.getTime()) * 1_000_000n;
  const paths = [...scan(directory)].filter(({ stat }) => stat.mtimeNs > limit);
  for (const { path } of paths) lutimesSync(fromRaw(`${toRaw(directory)}/${path}`), date, date);
}

/** When the youngest file of a directory was made. */
export function youngest(directory: string): Date {
  let newest = 0;
  for (const { stat } of scan(directory)) newest = Math.max(newest, Number(stat.mtimeMs));
  return new Date(newest);
}

/**
 * When the suite's release was published that debootstrap took the packages of, as its Release file
 * says; undefined where debootstrap left none.
 */
export function releaseDate(root: string): Date | undefined {
  const lists = join(root, 'var/lib/apt/lists');
  for (const name of readdirSync(lists).filter((one) => /_(In)?Release$/.test(one))) {
    const said = /^Date: (.*)$/m.exec(readFileSync(join(lists, name), 'utf8'))?.[1];
    if (said !== undefined && !Number.isNaN(Date.parse(said))) return new Date(said);
  }
  return undefined;
}

/** The day on which passwords were last changed is that one, not the day of the making (shadow(5)). */
export function datePasswords(root: string, date: Date): void {
  const day = Math.floor(date.getTime() / 86_400_000);
  for (const path of ['etc/shadow', 'etc/shadow-'].map((name) => join(root, name))) {
    if (!existsSync(path)) continue;
    const content = readFileSync(path, 'utf8').replace(/^([^:]*:[^:]*:)\d+:/gm, `$1${day}:`);
    writeFileSync(path, content, { mode: statSync(path).mode });
  }
}
