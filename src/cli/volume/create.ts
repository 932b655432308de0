import { Command, Option } from 'commander';
import { openEngine } from '../../engine/index.ts';
import { ensureVolume, newVolumeName } from '../../engine/volumes/index.ts';
import { print } from '../print.ts';

/** `cloche volume create`: a directory that outlives containers; one that is there stays. */
export function volumeCreateCommand(): Command {
  return new Command('create')
    .description('Create a volume')
    .argument('[name]', 'by default one that nobody has')
    .addOption(new Option('-d, --driver <driver>', 'there is one').choices(['local']))
    .action(async (name: string = newVolumeName()) => {
      await ensureVolume(openEngine(), name);
      print(`${name}\n`);
    });
}
