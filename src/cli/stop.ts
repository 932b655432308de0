import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { stopContainer } from '../engine/stop.ts';
import { whole } from './flags.ts';
import { forEachName } from './output.ts';

/** `cloche stop`: ask containers to end, and after a while make them. */
export function stopCommand(): Command {
  return new Command('stop')
    .description('Stop one or more running containers')
    .argument('<container...>')
    .option('-s, --signal <signal>', "the signal to ask with; else the image's, or TERM")
    .option('-t, --timeout <seconds>', 'how long to wait before KILL (-1: for ever)', whole, 10)
    .action(async (names: string[], flags: { signal?: string; timeout: number }) => {
      const engine = openEngine();
      await settleAll(engine);
      await forEachName(names, async (name) => {
        await stopContainer(engine, name, flags);
        process.stdout.write(`${name}\n`);
      });
    });
}
