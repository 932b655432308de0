import { Command } from 'commander';
import { openEngine } from '../../engine/index.ts';
import { getVolume } from '../../engine/volumes/index.ts';
import { inspected } from '../inspect.ts';
import { volumeShape } from './shape.ts';

/** `cloche volume inspect`: where a volume lies, and since when. */
export function volumeInspectCommand(): Command {
  return new Command('inspect')
    .description('Show all that is known of volumes')
    .argument('<volume...>')
    .option('-f, --format <template>', 'json, or a Go template')
    .action((names: string[], flags: { format?: string }) => {
      const engine = openEngine();
      inspected(names, (name) => volumeShape(getVolume(engine, name)), flags.format);
    });
}
