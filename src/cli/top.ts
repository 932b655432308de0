import { Command } from 'commander';
import { type Engine, openEngine, settleAll } from '../engine/index.ts';
import { processesOf, type TopProcess } from '../engine/look/top.ts';
import { psOf } from '../engine/look/top-ps.ts';
import { table } from './output.ts';
import { print } from './print.ts';

/** `cloche top`: the processes of a container, with their ids on this machine. */
export function topCommand(): Command {
  return new Command('top')
    .description('Show the running processes of a container')
    .argument('<container>')
    .argument('[options...]', 'of ps(1): aux, or -o pid,comm; then ps is asked')
    .option('--json', 'print JSON', false)
    .passThroughOptions()
    .action(async (name: string, options: string[], flags: { json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      // Ours alone may stand behind the name: no ps knows it.
      const others = options.filter((option) => option !== '--json');
      const json = flags.json || others.length < options.length;
      print(
        others.length > 0 ? await asked(engine, name, others, json) : known(engine, name, json),
      );
    });
}

async function asked(engine: Engine, name: string, options: readonly string[], json: boolean) {
  const { titles, rows } = await psOf(engine, name, options);
  // The shape of docker's API.
  return json
    ? `${JSON.stringify({ Titles: titles, Processes: rows }, null, 2)}\n`
    : table(titles, rows);
}

function known(engine: Engine, name: string, json: boolean): string {
  const processes = processesOf(engine, name);
  return json
    ? `${JSON.stringify(processes, null, 2)}\n`
    : table(['UID', 'PID', 'PPID', 'STIME', 'TIME', 'CMD'], processes.map(row));
}

function row({ uid, pid, ppid, started, time, command }: TopProcess): string[] {
  const clock = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 19);
  const start = started.toTimeString().slice(0, 5);
  return [String(uid), String(pid), String(ppid), start, clock(time), command];
}
