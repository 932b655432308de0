import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { type Limits, updateLimits } from '../engine/life/update.ts';
import { bytes, positive, whole } from './flags.ts';
import { forEachName } from './output.ts';
import { print } from './print.ts';

/** `cloche update`: other limits for containers, also while they run. */
export function updateCommand(): Command {
  return new Command('update')
    .description('Change the limits of one or more containers')
    .argument('<container...>')
    .option('-m, --memory <bytes>', 'memory limit, such as 80m', bytes)
    .option('--memory-reservation <bytes>', 'what it is left when memory gets tight', bytes)
    .option('--memory-swap <bytes>', 'memory and swap together (-1: all swap)', swap)
    .option('--cpus <number>', 'number of CPUs, such as 0.5', positive)
    .option('--cpu-period <us>', 'the time in which --cpu-quota may be used', whole)
    .option('--cpu-quota <us>', 'CPU time in each period', whole)
    .option('-c, --cpu-shares <weight>', 'relative to others; 1024 is usual', whole)
    .option('--cpuset-cpus <list>', 'on these CPUs alone: 0-2,7')
    .option('--cpuset-mems <list>', 'in the memory of these nodes alone')
    .option('--pids-limit <number>', 'how many processes it may have (-1 for no limit)', whole)
    .action(async (names: string[], { cpusetCpus: cpus, cpusetMems: mems, ...flags }: Flags) => {
      const cpuset = cpus === undefined && mems === undefined ? undefined : { cpus, mems };
      const engine = openEngine();
      await settleAll(engine);
      await forEachName(names, (name) => {
        updateLimits(engine, name, { ...flags, cpuset });
        print(`${name}\n`);
      });
    });
}

interface Flags extends Omit<Limits, 'cpuset'> {
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
}

function swap(text: string): number {
  return text === '-1' ? -1 : bytes(text);
}
