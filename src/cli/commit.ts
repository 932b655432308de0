import { Command, Option } from 'commander';
import { commitContainer } from '../engine/copy/commit.ts';
import { openEngine, settleAll } from '../engine/index.ts';
import { parseReference } from '../image/index.ts';
import { many } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { print } from './print.ts';

/** `cloche commit`: an image of what a container has become. */
export function commitCommand(): Command {
  return new Command('commit')
    .description("Create a new image from a container's changes")
    .argument('<container>')
    .argument('[name]', 'REPOSITORY[:TAG]')
    .option('-a, --author <name>', 'who made it')
    .option('-c, --change <instruction>', 'apply a Dockerfile instruction', many, [])
    .option('-m, --message <text>', "for the image's history")
    .option('-p, --pause', 'hold the container still meanwhile', true)
    .addOption(new Option('--no-pause').hideHelp())
    .action(async (container: string, name: string | undefined, flags: Flags) => {
      const engine = openEngine();
      await settleAll(engine);
      const { author, change: changes, message, pause } = flags;
      const reference = name === undefined ? undefined : parseReference(name);
      const image = await interruptible('the commit', (signal) =>
        commitContainer(engine, container, { author, changes, message, pause, reference, signal }),
      );
      print(`${image.id}\n`);
    });
}

interface Flags {
  readonly author?: string;
  readonly change: readonly string[];
  readonly message?: string;
  readonly pause: boolean;
}
