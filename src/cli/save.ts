import { Command, Option } from 'commander';
import { openEngine } from '../engine/index.ts';
import { type ArchiveFormat, saveImages } from '../image/archive/index.ts';
import { interruptible } from './interrupt.ts';
import { output } from './stream.ts';

/** `cloche save`: images as one archive, for `docker load`, skopeo, or `cloche load` elsewhere. */
export function saveCommand(): Command {
  return new Command('save')
    .description('Save one or more images to a tar archive (streamed to STDOUT by default)')
    .argument('<image...>')
    .option('-o, --output <file>', 'write to a file, instead of STDOUT')
    .addOption(
      new Option('--format <format>', "docker's archive or the OCI's")
        .choices(['docker', 'oci'])
        .default('docker'),
    )
    .action(async (images: string[], flags: { output?: string; format: ArchiveFormat }) => {
      const { store } = openEngine();
      await interruptible('the save', async (signal) => {
        await output(flags.output, saveImages(store, images, flags.format), signal);
      });
    });
}
