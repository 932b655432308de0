import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import { canonical, parseReference, type Reference, withTag } from '../image/index.ts';
import { localTags, pushImages } from '../image/registry/index.ts';
import { interruptible } from './interrupt.ts';
import { print } from './print.ts';
import { type ProgressKind, progressKind, transferView } from './transfer.ts';

/** `cloche push`: an image to its registry. */
export function pushCommand(): Command {
  return new Command('push')
    .description('Upload an image to a registry')
    .argument('<name>', 'NAME[:TAG]')
    .option('-a, --all-tags', 'push all tags of the image to the repository', false)
    .option('-q, --quiet', 'suppress verbose output', false)
    .option('--progress <kind>', 'auto, plain, tty or json', progressKind, 'auto')
    .action(async (text: string, flags: Flags) => {
      const { store } = openEngine();
      const name = parseReference(text);
      if (flags.allTags) verifyTagless(name);
      const view = transferView(flags.quiet ? 'quiet' : flags.progress);
      const names = flags.allTags ? localTags(store, name) : ([withTag(name)] as const);
      try {
        await interruptible('the push', (signal) =>
          pushImages(store, [...names], { signal, onEvent: view.show }),
        );
      } finally {
        view.end();
      }
      if (flags.quiet) for (const one of names) print(`${canonical(one)}\n`);
    });
}

interface Flags {
  readonly allTags: boolean;
  readonly quiet: boolean;
  readonly progress: ProgressKind;
}

function verifyTagless(name: Reference): void {
  if (name.tag === undefined && name.digest === undefined) return;
  throw new ClocheError('FLAGS_INVALID', 'tag can not be used with --all-tags/-a', {
    class: 'invalid-argument',
    hint: 'Leave the tag away, or --all-tags.',
  });
}
