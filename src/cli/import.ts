import { Command } from 'commander';
import { configOfChanges } from '../build/index.ts';
import { openEngine } from '../engine/index.ts';
import { importImage } from '../image/archive/index.ts';
import { type Platform, parseReference, reconcile } from '../image/index.ts';
import { parsePlatform } from '../image/registry/index.ts';
import { many } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { print } from './print.ts';
import { download, input } from './stream.ts';

/** `cloche import`: an image of one layer from a root file system's archive. */
export function importCommand(): Command {
  return new Command('import')
    .description('Make an image of the tar archive of a root file system')
    .argument('<file>', 'a tar archive, compressed or not: a path, a URL, or - for STDIN')
    .argument('[name]', 'REPOSITORY[:TAG]')
    .option('-c, --change <instruction>', 'apply a Dockerfile instruction', many, [])
    .option('-m, --message <text>', "for the image's history")
    .option('--platform <os/arch>', 'for which it is, if not for this machine', parsePlatform)
    .action(async (file: string, name: string | undefined, flags: Flags) => {
      const { store } = openEngine();
      reconcile(store);
      const config = configOfChanges(flags.change);
      const reference = name === undefined ? undefined : parseReference(name);
      const { message = `Imported from ${file}`, platform } = flags;
      const image = await interruptible('the import', (signal) => {
        const body = /^https?:\/\//.test(file) ? download(file, signal) : input(file);
        return importImage(store, body, { config, message, reference, platform, signal });
      });
      print(`${image.id}\n`);
    });
}

interface Flags {
  readonly change: readonly string[];
  readonly message?: string;
  readonly platform?: Platform;
}
