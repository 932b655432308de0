import { Command } from 'commander';
import type { Engine } from '../../engine/index.ts';
import { openEngine, settleAll } from '../../engine/index.ts';
import { usersOf } from '../../engine/look/image-users.ts';
import { configOf, type Removed } from '../../image/index.ts';
import { pruneImages } from '../../image/prune.ts';
import { type Filters, hasLabel, holds, holdsAll, parseFilters, timeOf } from '../filters.ts';
import { many } from '../flags.ts';
import { print } from '../print.ts';
import { confirm, reclaimed, section } from './confirm.ts';

/** `cloche image prune`: remove the images that have lost their names, or all that nobody uses. */
export function imagePruneCommand(): Command {
  return new Command('prune')
    .description('Remove unused images')
    .option('-a, --all', 'all that no container was made from, not only nameless ones', false)
    .option('--filter <key=value>', 'until, label, label!', many, [])
    .option('-f, --force', 'do not ask', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: { all: boolean; filter: string[]; force: boolean; json: boolean }) => {
      const filters = parseFilters(flags.filter, PRUNE_FILTERS);
      const which = flags.all
        ? 'images without at least one container associated to them'
        : 'dangling images';
      if (!flags.force) confirm('image', `This will remove all ${which}.`);
      const engine = openEngine();
      await settleAll(engine);
      const removed = unusedImages(engine, flags.all, filters);
      if (flags.json) print(`${JSON.stringify(removed, null, 2)}\n`);
      else print(imageSection(removed) + reclaimed(removed.freed));
    });
}

/** docker writes `label!=…`, of which the first `=` ends the key. */
const PRUNE_FILTERS = ['until', 'label', 'label!'];

/** Removes images that no container was made from: without `all` only those without a name. */
export function unusedImages(engine: Engine, all: boolean, filters: Filters): Removed {
  const usersBy = usersOf(engine);
  return pruneImages(engine.store, (image) => {
    if (usersBy(image).length > 0 || (!all && image.tags.length > 0)) return false;
    const labels = () => configOf(engine.store, image).config.Labels ?? {};
    return (
      holds(filters, 'until', (time) => image.created.getTime() < timeOf(time)) &&
      holdsAll(filters, 'label', (label) => hasLabel(labels(), label)) &&
      holdsAll(filters, 'label!', (label) => !hasLabel(labels(), label))
    );
  });
}

export function imageSection({ untagged, deleted }: Removed): string {
  return section('Deleted Images', [
    ...untagged.map((name) => `untagged: ${name}`),
    ...deleted.map((digest) => `deleted: ${digest}`),
  ]);
}
