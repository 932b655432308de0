import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { processesOf, type TopProcess } from '../engine/top.ts';
import { table } from './output.ts';
import { print } from './print.ts';

/** `cloche top`: the processes of a container, with their ids on this machine. */
export function topCommand(): Command {
  return new Command('top')
    .description('Show the running processes of a container')
    .argument('<container>')
    .option('--json', 'print JSON', false)
    .action(async (name: string, flags: { json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const processes = processesOf(engine, name);
      if (flags.json) print(`${JSON.stringify(processes, null, 2)}\n`);
      else print(table(['UID', 'PID', 'PPID', 'STIME', 'TIME', 'CMD'], processes.map(row)));
    });
}

function row({ uid, pid, ppid, started, time, command }: TopProcess): string[] {
  const clock = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 19);
  const start = started.toTimeString().slice(0, 5);
  return [String(uid), String(pid), String(ppid), start, clock(time), command];
}
