import { Command } from 'commander';
import { copyFromArchive, copyToArchive } from '../engine/copy/archive.ts';
import { copyBetween } from '../engine/copy/copy.ts';
import type { Place } from '../engine/copy/places.ts';
import { openEngine, settleAll } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import { interruptible } from './interrupt.ts';
import { input, output } from './stream.ts';

/** `cloche cp`: files from a container to this machine, or the other way. */
export function cpCommand(): Command {
  return new Command('cp')
    .description('Copy files between a container and this machine')
    .argument(
      '<source>',
      'CONTAINER:PATH, or a path; of DIR/. only the content; - is a tar on STDIN',
    )
    .argument('<target>', 'CONTAINER:PATH, or a path; - is a tar on STDOUT')
    .option('-a, --archive', 'keep owners', false)
    .option('-L, --follow-link', 'follow a link in the source', false)
    .option('-q, --quiet', 'accepted: nothing is said of how far it is', false)
    .action((source: string, target: string, flags: Flags) =>
      interruptible('the copy', (signal) => copy(source, target, flags, signal)),
    );
}

interface Flags {
  readonly archive: boolean;
  readonly followLink: boolean;
}

async function copy(source: string, target: string, flags: Flags, signal: AbortSignal) {
  const [from, to] = [placeIn(source), placeIn(target)];
  requireOneContainer(from, to);
  const options = { archive: flags.archive, follow: flags.followLink };
  const engine = openEngine();
  await settleAll(engine);
  if (target === '-') await output(undefined, copyToArchive(engine, from, options), signal);
  else if (source === '-') await copyFromArchive(engine, input('-'), to, signal);
  else await copyBetween(engine, from, to, options);
}

function requireOneContainer(from: Place, to: Place): void {
  if ((from.container === undefined) !== (to.container === undefined)) return;
  throw new ClocheError(
    'COPY_ARGUMENTS',
    from.container === undefined
      ? 'must specify at least one container source'
      : 'copying between containers is not supported',
    { class: 'invalid-argument', hint: 'cloche cp box:/etc/hostname . or cloche cp file box:/' },
  );
}

/** docker's rule: before the first colon stands a container, unless it looks like a path. */
function placeIn(text: string): Place {
  const colon = text.indexOf(':');
  if (colon <= 0 || /^[./]/.test(text)) return { container: undefined, path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}
