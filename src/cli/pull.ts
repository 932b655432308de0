import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import {
  canonical,
  familiar,
  type Platform,
  parseReference,
  type Reference,
  withTag,
} from '../image/index.ts';
import { parsePlatform, pullImage, tagsOf } from '../image/registry/index.ts';
import { interruptible } from './interrupt.ts';
import { print } from './print.ts';
import { type ProgressKind, progressKind, type TransferView, transferView } from './transfer.ts';

/** `cloche pull`: an image from its registry. */
export function pullCommand(): Command {
  return new Command('pull')
    .description('Download an image from a registry')
    .argument('<name>', 'NAME[:TAG|@DIGEST]')
    .option('-a, --all-tags', 'download all tagged images in the repository', false)
    .option('-q, --quiet', 'suppress verbose output', false)
    .option('--platform <os/arch>', 'of another platform than this machine', parsePlatform)
    .option('--progress <kind>', 'auto, plain, tty or json', progressKind, 'auto')
    .action(async (text: string, flags: Flags) => {
      const view = transferView(flags.quiet ? 'quiet' : flags.progress);
      const name = parseReference(text);
      try {
        await interruptible('the pull', (signal) => pull(name, flags, view, signal));
      } finally {
        view.end();
      }
      if (flags.progress !== 'json') print(`${shown(name, flags)}\n`);
    });
}

interface Flags {
  readonly allTags: boolean;
  readonly quiet: boolean;
  readonly platform?: Platform;
  readonly progress: ProgressKind;
}

async function pull(name: Reference, flags: Flags, view: TransferView, signal: AbortSignal) {
  const { store } = openEngine();
  const about = { platform: flags.platform, signal, onEvent: view.show };
  const isWhole = name.tag === undefined && name.digest === undefined;
  if (flags.allTags && !isWhole)
    throw new ClocheError('FLAGS_INVALID', 'tag can not be used with --all-tags/-a', {
      class: 'invalid-argument',
      hint: 'Leave the tag away, or --all-tags.',
    });
  if (isWhole && !flags.allTags) view.show({ status: 'Using default tag: latest' });
  const names = flags.allTags
    ? (await tagsOf(name, about)).map((tag) => ({ ...name, tag }))
    : [withTag(name)];
  for (const one of names) {
    const { digest, isNew } = await pullImage(store, one, about);
    view.show({ status: `Digest: ${digest}` });
    const what = isNew ? 'Downloaded newer image' : 'Image is up to date';
    view.show({ status: `Status: ${what} for ${familiar(one)}` });
  }
}

/** What docker prints at last, and `-q` alone: the name in full. */
function shown(name: Reference, { allTags }: Flags): string {
  return canonical(allTags ? name : withTag(name));
}
