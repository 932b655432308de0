import { Command } from 'commander';
import { forgetDigests } from '../../build/copy/digests.ts';
import { keptMounts, removeMounts } from '../../build/mounts/prune.ts';
import { openEngine } from '../../engine/index.ts';
import type { Store } from '../../image/index.ts';
import { type CacheRow, cacheRows, forgetCache } from '../../image/prune.ts';
import { holds, parseFilters, timeOf } from '../filters.ts';
import { many } from '../flags.ts';
import { duration, size, table } from '../output.ts';
import { print } from '../print.ts';
import { confirm } from './confirm.ts';

/** `cloche builder prune`: forget steps of builds, and remove the layers that only they need. */
export function builderPruneCommand(): Command {
  return new Command('prune')
    .description('Remove build cache')
    .option('-a, --all', 'also the steps whose layers images stand on', false)
    .option('--filter <key=value>', 'until', many, [])
    .option('-f, --force', 'do not ask', false)
    .option('--json', 'print JSON', false)
    .action((flags: { all: boolean; filter: string[]; force: boolean; json: boolean }) => {
      const filters = parseFilters(flags.filter, ['until']);
      const which = flags.all ? 'build cache' : 'dangling build cache';
      if (!flags.force) confirm('builder', `This will remove all ${which}.`);
      const { store } = openEngine();
      const isOld = (time: number) => holds(filters, 'until', (until) => time < timeOf(until));
      const pruned = pruneBuilder(store, flags.all, isOld);
      if (flags.json) print(`${JSON.stringify(pruned, null, 2)}\n`);
      else print(`${printed(pruned.removed)}Total:\t${size(pruned.freed)}\n`);
    });
}

/** A step of a build, or a cache mount, that went. */
type Gone = Pick<CacheRow, 'key' | 'shared' | 'size' | 'used'>;

/**
 * Forgets steps, without `all` only those that no image stands on, and the cache mounts; with it also what
 * contexts' files held.
 */
export function pruneBuilder(store: Store, all: boolean, isOld: (time: number) => boolean) {
  const rows = cacheRows(store).filter(({ shared, used }) => (all || !shared) && isOld(used));
  const { freed } = forgetCache(store, rows);
  const old = keptMounts(store).filter(({ used }) => isOld(used));
  const mounts = removeMounts(store, old);
  const removed: Gone[] = [
    ...rows,
    ...mounts.map(({ name, ...rest }) => ({ key: name, shared: false, ...rest })),
  ];
  const digests = all ? forgetDigests(store) : 0;
  return { removed, freed: mounts.reduce((sum, mount) => sum + mount.size, freed + digests) };
}

function printed(rows: readonly Gone[]): string {
  if (rows.length === 0) return '';
  return table(
    ['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'],
    rows.map(({ key, shared, size: bytes, used }) => [
      key.replace('sha256:', '').slice(0, 25),
      shared ? 'false' : 'true',
      size(bytes),
      `${duration(Date.now() - used)} ago`,
    ]),
  );
}
