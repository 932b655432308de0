import { Command } from 'commander';
import { allContainers, type Container, openEngine, settleAll } from '../engine/index.ts';
import { duration, table } from './output.ts';

/** `cloche ps`: what runs, and with --all what did. */
export function psCommand(): Command {
  return new Command('ps')
    .description('List containers')
    .option('-a, --all', 'show all, not only running ones', false)
    .option('-q, --quiet', 'only show IDs', false)
    .option('--no-trunc', 'do not shorten')
    .option('--json', 'print JSON', false)
    .action(async (flags: { all: boolean; quiet: boolean; trunc: boolean; json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const shown = allContainers(engine).filter((one) => flags.all || one.status === 'running');
      if (flags.json) process.stdout.write(`${JSON.stringify(shown.map(forPrograms), null, 2)}\n`);
      else if (flags.quiet)
        for (const one of shown) process.stdout.write(`${idOf(one, flags.trunc)}\n`);
      else
        process.stdout.write(
          table(
            HEADINGS,
            shown.map((one) => row(one, flags.trunc)),
          ),
        );
    });
}

const HEADINGS = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'NAMES'];

function row(container: Container, short: boolean): string[] {
  const command = container.command.join(' ');
  return [
    idOf(container, short),
    container.image,
    JSON.stringify(short && command.length > 20 ? `${command.slice(0, 19)}…` : command),
    `${duration(Date.now() - container.created.getTime())} ago`,
    statusOf(container),
    container.name,
  ];
}

/** `Up 3 minutes`, `Exited (137) 2 hours ago`, `Created`. */
export function statusOf({ status, started, finished, exitCode }: Container): string {
  const since = (time: Date | undefined) => duration(Date.now() - (time?.getTime() ?? Date.now()));
  if (status === 'running') return `Up ${since(started)}`;
  if (status === 'exited') return `Exited (${exitCode}) ${since(finished)} ago`;
  return 'Created';
}

function idOf({ id }: Container, short: boolean): string {
  return short ? id.slice(0, 12) : id;
}

function forPrograms(container: Container) {
  const { options: _, ...rest } = container;
  return rest;
}
