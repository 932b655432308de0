import { Command } from 'commander';
import { openEngine, settleAll } from '../../engine/index.ts';
import { pruneContainers, pruneMachine, pruneVolumes } from '../../engine/prune.ts';
import { holds, parseFilters, timeOf } from '../filters.ts';
import { many } from '../flags.ts';
import { print } from '../print.ts';
import { pruneBuilder } from './builder.ts';
import { confirm, reclaimed, section } from './confirm.ts';
import { imageSection, unusedImages } from './images.ts';

/** `cloche system prune`: whatever is not in use, down to the bridge and our empty cgroups. */
export function systemPruneCommand(): Command {
  return new Command('prune')
    .description('Remove all that is not in use')
    .option(
      '-a, --all',
      'all images that no container was made from, not only nameless ones',
      false,
    )
    .option('--volumes', 'volumes without a name of their own, too', false)
    .option('--filter <key=value>', 'until', many, [])
    .option('-f, --force', 'do not ask', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: Flags) => {
      const filters = parseFilters(flags.filter, ['until']);
      if (!flags.force) confirm('system', warning(flags));
      const engine = openEngine();
      await settleAll(engine);
      const isOld = (time: number) => holds(filters, 'until', (until) => time < timeOf(until));
      const containers = await pruneContainers(engine, ({ created }) => isOld(created.getTime()));
      const volumes = flags.volumes ? pruneVolumes(engine) : { removed: [], freed: 0 };
      const images = unusedImages(engine, flags.all, filters);
      const cache = pruneBuilder(engine.store, flags.all, isOld);
      const machine = await pruneMachine(engine);
      const freed = containers.freed + volumes.freed + images.freed + cache.freed;
      const keys = cache.removed.map(({ key }) => key);
      if (flags.json)
        print(
          `${JSON.stringify({ containers, volumes, images, cache: keys, machine, freed }, null, 2)}\n`,
        );
      else
        print(
          section('Deleted Containers', containers.removed) +
            section('Deleted Volumes', volumes.removed) +
            section('Deleted Networks and Cgroups', machine) +
            imageSection(images) +
            section('Deleted build cache objects', keys) +
            reclaimed(freed),
        );
    });
}

interface Flags {
  readonly all: boolean;
  readonly volumes: boolean;
  readonly filter: string[];
  readonly force: boolean;
  readonly json: boolean;
}

function warning({ all, volumes }: Flags): string {
  const what = [
    'all stopped containers',
    'the bridge and the cgroup of containers, if none is left',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ];
  return `This will remove:\n${what.map((one) => `  - ${one}\n`).join('')}`;
}
