import { Command } from 'commander';
import { openEngine, removeContainer, settleAll } from '../engine/index.ts';
import { forEachName } from './output.ts';
import { print } from './print.ts';

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
      const remove = async (name: string) => {
        await removeContainer(engine, name, flags);
        print(`${name}\n`);
      };
      await forEachName(names, remove, flags.force ? 'CONTAINER_NOT_FOUND' : undefined);
    });
}
