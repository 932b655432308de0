import { Command } from 'commander';
import { copyBetween, type Place } from '../engine/copy.ts';
import { openEngine, settleAll } from '../engine/index.ts';
import { ClocheError } from '../error.ts';

/** `cloche cp`: files from a container to this machine, or the other way. */
export function cpCommand(): Command {
  return new Command('cp')
    .description('Copy files between a container and this machine')
    .argument('<source>', 'CONTAINER:PATH, or a path; of DIR/. only the content')
    .argument('<target>', 'a path, or CONTAINER:PATH of one that does not run')
    .option('-a, --archive', 'keep owners', false)
    .option('-L, --follow-link', 'follow a link in the source', false)
    .action(async (source: string, target: string, flags: Flags) => {
      const [from, to] = [placeIn(source), placeIn(target)];
      if ((from.container === undefined) === (to.container === undefined))
        throw new ClocheError(
          'COPY_ARGUMENTS',
          from.container === undefined
            ? 'must specify at least one container source'
            : 'copying between containers is not supported',
          {
            class: 'invalid-argument',
            hint: 'cloche cp box:/etc/hostname . or cloche cp file box:/',
          },
        );
      const engine = openEngine();
      await settleAll(engine);
      await copyBetween(engine, from, to, { ...flags, follow: flags.followLink });
    });
}

interface Flags {
  readonly archive: boolean;
  readonly followLink: boolean;
}

/** docker's rule: before the first colon stands a container, unless it looks like a path. */
function placeIn(text: string): Place {
  const colon = text.indexOf(':');
  if (colon <= 0 || /^[./]/.test(text)) return { container: undefined, path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}
