import type { Command } from 'commander';

/**
 * What a name on the command line stands for: one line about it, and its command or the group's. One more
 * name for the same, as docker has them, is not in the help.
 */
export type Entry = readonly [about: string, what: Load | Entries, isAlias?: true];
export type Entries = Readonly<Record<string, Entry>>;
type Load = () => Promise<Command>;

/** One more name for the same. */
export function alias([about, what]: Entry): Entry {
  return [about, what, true];
}
