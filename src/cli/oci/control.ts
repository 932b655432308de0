import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ClocheError } from '../../error.ts';
import type { LinuxResources } from '../../linux/cgroup/index.ts';
import { pause, processes, resume, stats, update } from '../../runtime/oci/index.ts';
import { bytes, whole } from '../flags.ts';
import { print } from '../print.ts';
import type { Context } from './context.ts';
import { runcStats } from './events.ts';
import { requireFormat } from './look.ts';

/** What is done to a container that runs: pause, resume, ps, update, events. */
export function controlCommands(context: Context): Command[] {
  const { root, logged } = context;
  return [
    new Command('pause')
      .description('Stop all processes of a container where they are')
      .argument('<id>')
      .action(logged((id) => pause(root(), id))),
    new Command('resume')
      .description('Let the processes of a paused container go on')
      .argument('<id>')
      .action(logged((id) => resume(root(), id))),
    psCommand(context),
    updateCommand(context),
    eventsCommand(context),
  ];
}

function psCommand({ root, logged }: Context): Command {
  return new Command('ps')
    .description('Show the processes of a container')
    .argument('<id>')
    .argument('[ps options...]')
    .passThroughOptions()
    .option('-f, --format <format>', 'table or json', 'table')
    .action(
      logged(async (id: string, options: string[], { format }: { format: string }) => {
        requireFormat(format);
        const pids = await processes(root(), id);
        print(format === 'json' ? `${JSON.stringify(pids)}\n` : await psTable(pids, options));
      }),
    );
}

/** What ps(1) says of all, less those who are others'. @throws {ClocheError} `PS_MISSING`, `PS_FAILED` */
async function psTable(pids: readonly number[], options: readonly string[]): Promise<string> {
  const program = Bun.which('ps');
  if (program === null)
    throw new ClocheError('PS_MISSING', "there is no 'ps' on this machine", {
      class: 'unavailable',
      hint: 'apt-get install procps; --format json needs none',
    });
  const child = Bun.spawn([program, ...(options.length === 0 ? ['-ef'] : options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const [heading = '', ...lines] = out.trimEnd().split('\n');
  const column = heading.trim().split(/\s+/).indexOf('PID');
  if ((await child.exited) !== 0 || column < 0)
    throw new ClocheError('PS_FAILED', err.trim() || 'ps shows no column PID', {
      class: 'invalid-argument',
    });
  const ours = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  return `${[heading, ...ours].join('\n')}\n`;
}

interface UpdateFlags {
  readonly resources?: string;
  readonly [flag: string]: number | string | undefined;
}

function updateCommand({ root, logged }: Context): Command {
  return new Command('update')
    .description('Change the limits of a container')
    .argument('<id>')
    .option('-r, --resources <file>', 'linux.resources as JSON, - is our input; instead of flags')
    .option('--blkio-weight <weight>', '10 to 1000', whole)
    .option('--cpu-period <µs>', 'a period', whole)
    .option('--cpu-quota <µs>', 'CPU time in each period', whole)
    .option('--cpu-burst <µs>', 'unused quota that is saved up', whole)
    .option('--cpu-share <shares>', 'relative to the siblings', whole)
    .option('--cpu-rt-period <µs>', 'a period of the realtime scheduler', whole)
    .option('--cpu-rt-runtime <µs>', 'its time in each period', whole)
    .option('--cpuset-cpus <list>', 'as in 0-2,7')
    .option('--cpuset-mems <list>', 'memory nodes')
    .option('--cpu-idle <0|1>', 'run only when nobody else wants to', whole)
    .option('--memory <bytes>', 'or 80m', limit)
    .option('--memory-reservation <bytes>', 'or 80m', limit)
    .option('--memory-swap <bytes>', 'memory and swap together, -1 is no limit', limit)
    .option('--pids-limit <number>', 'tasks, -1 is no limit', whole)
    .action(
      logged(async (id: string, flags: UpdateFlags) => {
        const { resources } = flags;
        const wanted = resources === undefined ? resourcesOf(flags) : readResources(resources);
        await update(root(), id, wanted);
      }),
    );
}

function limit(text: string): number {
  return text === '-1' ? -1 : bytes(text);
}

/** Which flag is which field of `linux.resources`. */
const FIELDS = {
  memory: { limit: 'memory', reservation: 'memoryReservation', swap: 'memorySwap' },
  cpu: {
    shares: 'cpuShare',
    quota: 'cpuQuota',
    period: 'cpuPeriod',
    burst: 'cpuBurst',
    idle: 'cpuIdle',
    realtimePeriod: 'cpuRtPeriod',
    realtimeRuntime: 'cpuRtRuntime',
    cpus: 'cpusetCpus',
    mems: 'cpusetMems',
  },
  pids: { limit: 'pidsLimit' },
  blockIO: { weight: 'blkioWeight' },
} as const;

/** Only the parts that a flag names: another may ask for a controller that is not there. */
function resourcesOf(flags: UpdateFlags): LinuxResources {
  const parts = Object.entries(FIELDS).map(([part, fields]) => {
    const named = Object.entries(fields)
      .map(([field, flag]) => [field, flags[flag]] as const)
      .filter(([, value]) => value !== undefined);
    return [part, named.length === 0 ? undefined : Object.fromEntries(named)];
  });
  return Object.fromEntries(parts) as LinuxResources;
}

/** @throws {ClocheError} `RESOURCES_INVALID` */
function readResources(file: string): LinuxResources {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8');
  try {
    return JSON.parse(text) as LinuxResources;
  } catch (cause) {
    throw new ClocheError('RESOURCES_INVALID', `'${file}' is no JSON`, {
      class: 'invalid-argument',
      hint: 'it holds what linux.resources of a config.json holds',
      cause,
    });
  }
}

function eventsCommand({ root, logged }: Context): Command {
  return new Command('events')
    .description('Print what the kernel counts of a container')
    .argument('<id>')
    .option('--interval <seconds>', 'how often', '5s')
    .option('--stats', 'once', false)
    .action(
      logged(async (id: string, flags: { interval: string; stats: boolean }) => {
        const seconds = Number(/^(\d+(?:\.\d+)?)s?$/.exec(flags.interval)?.[1]);
        if (!(seconds > 0))
          throw new ClocheError('INTERVAL_INVALID', 'duration interval must be greater than 0', {
            class: 'invalid-argument',
            hint: 'seconds, as in 5s',
          });
        for (;;) {
          const data = runcStats(await stats(root(), id));
          print(`${JSON.stringify({ type: 'stats', id, data })}\n`);
          if (flags.stats) return;
          await Bun.sleep(seconds * 1000);
        }
      }),
    );
}
