import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import { hasRecipe } from '../image/bases/recipe.ts';
import {
  canonical,
  familiar,
  type Platform,
  parseReference,
  type Reference,
  type Store,
  standIn,
  withTag,
} from '../image/index.ts';
import { attemptPull, isOutOfReach } from '../image/registry/attempt.ts';
import { parsePlatform, tagsOf } from '../image/registry/index.ts';
import { PATIENCE, type Patience } from '../image/registry/patience.ts';
import { interruptible } from './interrupt.ts';
import { print } from './print.ts';
import { imageProgress } from './progress.ts';
import { type ProgressKind, progressKind, type TransferView, transferView } from './transfer.ts';

/** `cloche pull`: an image from its registry; a base image is made here where that is out of reach. */
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
    const pulled = await attemptPull(store, one, { ...about, greeting: greetingFor(one) });
    if (pulled instanceof ClocheError) {
      await makeInstead(store, one, pulled, { flags, view, signal });
      continue;
    }
    view.show({ status: `Digest: ${pulled.digest}` });
    const what = pulled.isNew ? 'Downloaded newer image' : 'Image is up to date';
    view.show({ status: `Status: ${what} for ${familiar(one)}` });
  }
}

/** Who asks for nothing but the image waits longer for it than a `run` does, and no ten minutes if there is a way. */
function greetingFor(name: Reference): Patience {
  return hasRecipe(name) ? { ...PATIENCE, attempts: 1, answer: 10_000 } : PATIENCE;
}

/** What `run` would do without the registry. @throws why the registry does not give it, if that is all */
async function makeInstead(
  store: Store,
  name: Reference,
  reason: ClocheError,
  { flags, view, signal }: { flags: Flags; view: TransferView; signal: AbortSignal },
): Promise<void> {
  if (flags.platform !== undefined || !isOutOfReach(reason) || !hasRecipe(name)) throw reason;
  const progress = imageProgress();
  const isForPrograms = flags.progress === 'json';
  try {
    await standIn(store, name, reason, {
      onTransfer: view.show,
      onProgress: (event) => {
        if (isForPrograms) view.show({ status: event.text });
        // That it is not the registry's is said in any case.
        else if (!flags.quiet || event.phase === 'done') progress.onProgress?.(event);
      },
      signal,
    });
  } finally {
    progress.end();
  }
}

/** What docker prints at last, and `-q` alone: the name in full. */
function shown(name: Reference, { allTags }: Flags): string {
  return canonical(allTags ? name : withTag(name));
}
