import { ClocheError } from '../../error.ts';
import type { Engine } from '../engine.ts';
import { cgroupOfRunning } from '../life/pause.ts';
import { getContainer } from '../life/records.ts';

/** A table as ps(1) prints it. */
export interface PsTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * docker's `top CONTAINER OPTIONS`: what this machine's ps says with these options, of the container's
 * processes alone. Ids are the host's.
 *
 * @throws {ClocheError} `CONTAINER_NOT_RUNNING`, `PS_MISSING`, `PS_FAILED`: also where it names no pids
 */
export async function psOf(
  engine: Engine,
  name: string,
  options: readonly string[],
): Promise<PsTable> {
  const group = cgroupOfRunning(engine, getContainer(engine, name));
  const printed = await ps(options);
  // Asked after ps, which takes a while: a process that has come meanwhile is in no line.
  return chosen(printed, new Set(group.processes().map(String)));
}

async function ps(options: readonly string[]): Promise<string> {
  if (Bun.which('ps') === null)
    throw new ClocheError('PS_MISSING', 'top with options needs ps on this machine', {
      class: 'unavailable',
      hint: 'apt-get install procps; without options no ps is needed',
    });
  // Lines are as long as they are: nobody's terminal is asked.
  const env = { PATH: process.env.PATH, COLUMNS: '10000', LC_ALL: 'C.UTF-8' };
  const child = Bun.spawn(['ps', ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) === 0) return out;
  throw new ClocheError('PS_FAILED', `error running ps: ${err.trim().split('\n')[0]}`, {
    class: 'invalid-argument',
    hint: `these are options of ps(1): ${options.join(' ')}`,
  });
}

/** The lines of these pids. All that stands behind the last title but one is the last column. Pure. */
export function chosen(printed: string, pids: ReadonlySet<string>): PsTable {
  const [heading = '', ...lines] = printed.split('\n');
  const titles = heading.trim().split(/\s+/);
  const at = titles.indexOf('PID');
  if (at < 0)
    throw new ClocheError('PS_FAILED', "couldn't find PID field in ps output", {
      class: 'invalid-argument',
      hint: 'let ps print it: -o pid,…',
    });
  const rows = lines.map((line) => {
    const words = line.trim().split(/\s+/);
    const last = titles.length - 1;
    return [...words.slice(0, last), words.slice(last).join(' ')];
  });
  return { titles, rows: rows.filter((row) => pids.has(row[at] ?? '')) };
}
