import { Command } from 'commander';
import {
  allContainers,
  type Container,
  type Engine,
  getContainer,
  isAlive,
  openEngine,
  settleAll,
} from '../engine/index.ts';
import { measure, type Usage } from '../engine/look/stats.ts';
import { type Columns, list, type Row } from './format/index.ts';
import { binarySize, size } from './output.ts';
import { isTerminal, print } from './print.ts';

/** `cloche stats`: what running containers use, once or again and again. */
export function statsCommand(): Command {
  return new Command('stats')
    .description('Show what containers use of CPU, memory, network and disks')
    .argument('[container...]', 'without one, all that run')
    .option('-a, --all', 'those too that do not run', false)
    .option('--no-stream', 'look once')
    .option('--no-trunc', 'do not shorten IDs')
    .option('--format <format>', 'table, json, or a Go template')
    .option('--json', 'print JSON, once', false)
    .action(async (names: string[], flags: Flags) => {
      const engine = openEngine();
      await settleAll(engine);
      do {
        const usages = await measure(engine, chosen(engine, names, flags.all), 1000);
        if (flags.json) print(`${JSON.stringify(usages, null, 2)}\n`);
        else {
          const text = list(
            usages.map((one) => row(one, flags.trunc)),
            COLUMNS,
            flags.format,
          );
          print(flags.stream && isTerminal(1) ? `\x1b[H\x1b[2J${text}` : text);
        }
      } while (flags.stream && !flags.json);
    });
}

interface Flags {
  readonly all: boolean;
  readonly stream: boolean;
  readonly trunc: boolean;
  readonly format?: string;
  readonly json: boolean;
}

/** Whoever is named, or all that run now, or all. */
function chosen(engine: Engine, names: readonly string[], all: boolean): Container[] {
  if (names.length > 0) return names.map((name) => getContainer(engine, name));
  return allContainers(engine).filter((container) => all || isAlive(container));
}

const COLUMNS: Columns = {
  headings: {
    ID: 'CONTAINER ID',
    Name: 'NAME',
    CPUPerc: 'CPU %',
    MemUsage: 'MEM USAGE / LIMIT',
    MemPerc: 'MEM %',
    NetIO: 'NET I/O',
    BlockIO: 'BLOCK I/O',
    PIDs: 'PIDS',
  },
  shown: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
};

function row(usage: Usage, short: boolean): Row {
  const { memory, memoryLimit, processes } = usage;
  const percent = (part: number) => `${part.toFixed(2)}%`;
  return {
    ID: short ? usage.id.slice(0, 12) : usage.id,
    Name: usage.name,
    CPUPerc: percent(usage.cpuPercent),
    MemUsage: `${memory === undefined ? '--' : binarySize(memory)} / ${binarySize(memoryLimit)}`,
    MemPerc: memory === undefined ? '--' : percent((100 * memory) / (memoryLimit || 1)),
    NetIO: `${size(usage.received)} / ${size(usage.sent)}`,
    BlockIO: `${size(usage.read)} / ${size(usage.written)}`,
    PIDs: processes === undefined ? '--' : String(processes),
  };
}
