import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import { tagImage } from '../image/index.ts';

/** `cloche tag`: one more name for an image; the image that had the name loses it. */
export function tagCommand(): Command {
  return new Command('tag')
    .description('Give an image one more name')
    .argument('<source>', 'a name, or an id')
    .argument('<target>', 'the new name')
    .action((source: string, target: string) => tagImage(openEngine().store, source, target));
}
