import { Command } from 'commander';
import {
  type Container,
  type Engine,
  exposedPorts,
  openEngine,
  portsColumn,
  settleAll,
} from '../engine/index.ts';
import { type State, stateOf } from '../engine/life/state.ts';
import { parseVolume } from '../engine/volumes/index.ts';
import { configOf, type Image } from '../image/index.ts';
import { parseFilters } from './filters.ts';
import { many, whole } from './flags.ts';
import { type Columns, list, type Row } from './format/index.ts';
import { duration, size } from './output.ts';
import { print } from './print.ts';
import { chosenContainers, FILTERS, labelsOf } from './ps-filters.ts';

/** `cloche ps`: what runs, and with --all what did. */
export function psCommand(): Command {
  return new Command('ps')
    .description('List containers')
    .option('-a, --all', 'show all, not only running ones', false)
    .option('-f, --filter <key=value>', FILTERS.join(', '), many, [])
    .option('--format <format>', 'table, json, or a Go template')
    .option('-l, --latest', 'only the one made last, whatever it does', false)
    .option('-n, --last <number>', 'only so many made last, whatever they do', whole, -1)
    .option('--no-trunc', 'do not shorten')
    .option('-q, --quiet', 'only show IDs', false)
    .option('-s, --size', 'show how much they have written', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: Flags) => {
      const filters = parseFilters(flags.filter, FILTERS);
      const engine = openEngine();
      await settleAll(engine);
      const shown = chosenContainers(engine, filters, flags);
      if (flags.json) print(`${JSON.stringify(shown.map(forPrograms), null, 2)}\n`);
      else print(await printed(engine, shown, flags));
    });
}

interface Flags {
  readonly all: boolean;
  readonly filter: string[];
  readonly format?: string;
  readonly latest: boolean;
  readonly last: number;
  readonly trunc: boolean;
  readonly quiet: boolean;
  readonly size: boolean;
  readonly json: boolean;
}

const COLUMNS: Columns = {
  headings: {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    RunningFor: 'CREATED',
    State: 'STATE',
    Status: 'STATUS',
    Ports: 'PORTS',
    Names: 'NAMES',
    Networks: 'NETWORKS',
    Mounts: 'MOUNTS',
    Labels: 'LABELS',
    LocalVolumes: 'LOCAL VOLUMES',
    Size: 'SIZE',
  },
  shown: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'],
};

async function printed(
  engine: Engine,
  containers: readonly Container[],
  flags: Flags,
): Promise<string> {
  if (flags.quiet) return containers.map((one) => `${idOf(one, flags.trunc)}\n`).join('');
  const written = flags.size || flags.format?.includes('.Size') ? await sizesOf(engine) : undefined;
  const rows = containers.map((one) => row(engine, one, flags.trunc, written?.(one)));
  const shown = flags.size ? [...COLUMNS.shown, 'Size'] : COLUMNS.shown;
  return list(rows, { ...COLUMNS, shown }, flags.format);
}

async function sizesOf(engine: Engine): Promise<(container: Container) => string> {
  const { containerSize } = await import('../engine/look/disk-use.ts');
  return (container) => size(containerSize(engine, container));
}

function row(engine: Engine, container: Container, short: boolean, written = ''): Row {
  const state = stateOf(engine, container);
  const command = container.command.join(' ');
  const volumes = container.options.volumes.map(parseVolume);
  return {
    ID: idOf(container, short),
    Image: container.image,
    Command: JSON.stringify(short && command.length > 20 ? `${command.slice(0, 19)}…` : command),
    CreatedAt: container.created.toISOString(),
    RunningFor: `${duration(Date.now() - container.created.getTime())} ago`,
    State: state,
    Status: statusOf(container, state),
    Ports: state === 'running' || state === 'paused' ? portsOf(engine, container) : '',
    Names: container.name,
    Networks: container.options.network,
    Mounts: volumes.map(({ source }) => source).join(','),
    Labels: Object.entries(labelsOf(engine, container))
      .map((pair) => pair.join('='))
      .join(','),
    LocalVolumes: String(volumes.filter(({ isVolume }) => isVolume).length),
    Size: written,
  };
}

function portsOf(engine: Engine, { ports, options, imageId }: Container): string {
  const { config } = configOf(engine.store, { id: imageId as Image['id'] });
  return portsColumn(ports, options.network === 'host' ? [] : exposedPorts(options, config));
}

/** `Up 3 minutes`, `Up 3 minutes (Paused)`, `Exited (137) 2 hours ago`, `Created`. */
export function statusOf({ started, finished, exitCode }: Container, state: State): string {
  const since = (time: Date | undefined) => duration(Date.now() - (time?.getTime() ?? Date.now()));
  if (state === 'running') return `Up ${since(started)}`;
  if (state === 'paused') return `Up ${since(started)} (Paused)`;
  if (state === 'exited') return `Exited (${exitCode}) ${since(finished)} ago`;
  return 'Created';
}

function idOf({ id }: Container, short: boolean): string {
  return short ? id.slice(0, 12) : id;
}

function forPrograms(container: Container) {
  const { options: _, ...rest } = container;
  return rest;
}
