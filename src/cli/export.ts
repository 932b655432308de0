import { Command } from 'commander';
import { exportContainer } from '../engine/copy/export.ts';
import { openEngine, settleAll } from '../engine/index.ts';
import { interruptible } from './interrupt.ts';
import { output } from './stream.ts';

/** `cloche export`: what a container sees as its root, as a tar archive. */
export function exportCommand(): Command {
  return new Command('export')
    .description("Export a container's filesystem as a tar archive")
    .argument('<container>')
    .option('-o, --output <file>', 'write to a file, instead of STDOUT')
    .action(async (container: string, flags: { output?: string }) => {
      const engine = openEngine();
      await settleAll(engine);
      await interruptible('the export', async (signal) => {
        await output(flags.output, exportContainer(engine, container), signal);
      });
    });
}
