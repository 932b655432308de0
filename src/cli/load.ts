import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import { loadImages } from '../image/archive/index.ts';
import { type Platform, reconcile } from '../image/index.ts';
import { parsePlatform } from '../image/registry/index.ts';
import { interruptible } from './interrupt.ts';
import { isTerminal, print } from './print.ts';
import { input, readable } from './stream.ts';
import { transferView } from './transfer.ts';

/** `cloche load`: the images of an archive that docker, skopeo, podman or cloche has saved. */
export function loadCommand(): Command {
  return new Command('load')
    .description('Load images from a tar archive or from standard input')
    .option('-i, --input <file>', 'read from a tar archive file, instead of STDIN')
    .option('-q, --quiet', 'suppress the load output', false)
    .option('--platform <os/arch>', 'load this platform of an image for several', parsePlatform)
    .action(async (flags: Flags) => {
      const { store } = openEngine();
      reconcile(store);
      const { input: file } = flags;
      const source = file === undefined ? input(undefined) : { file: readable(file) };
      const isWatched = isTerminal(2) && !flags.quiet;
      const view = transferView(isWatched ? 'tty' : 'quiet', 2);
      const about = { platform: flags.platform, onEvent: view.show };
      const loaded = await interruptible('the load', (signal) =>
        loadImages(store, source, { ...about, signal }),
      );
      view.end();
      if (flags.quiet) return;
      for (const { image, names } of loaded) {
        for (const name of names) print(`Loaded image: ${name}\n`);
        if (names.length === 0) print(`Loaded image ID: ${image.id}\n`);
      }
    });
}

interface Flags {
  readonly input?: string;
  readonly quiet: boolean;
  readonly platform?: Platform;
}
