import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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
