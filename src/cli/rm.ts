import { Command } from 'commander';
import { openEngine, removeContainer, settleAll } from '../engine/index.ts';
import { forAllNames } from './output.ts';

/** `cloche rm`: remove containers and what they have written. */
export function rmCommand(): Command {
  return new Command('rm')
    .description('Remove one or more containers')
    .argument('<container...>')
    .option('-f, --force', 'kill a running container first', false)
    .option('-v, --volumes', 'remove its volumes without a name, too', false)
    .action(async (names: string[], flags: { force: boolean; volumes: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const remove = (name: string) => removeContainer(engine, name, flags);
      await forAllNames(names, remove, flags.force ? 'CONTAINER_NOT_FOUND' : undefined);
    });
}
