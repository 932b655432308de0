import type { ProcessView } from './process.ts';

/** What the kernel answered: nothing where it said yes. */
export interface Probed {
  /** The errno's text as the program printed it: `No such process`; empty on success. */
  readonly error: string;
}

/**
 * Asks the kernel from where a process stands: runs a shell command in all of its namespaces and in
 * its root, as a process of ours. For questions whose answer depends on who asks.
 *
 * Source: nsenter(1).
 */
export function probe(where: ProcessView, command: string): Probed {
  const asked = Bun.spawnSync(
    ['nsenter', '--target', String(where.pid), '--all', '--root', '--wd', '/bin/sh', '-c', command],
    { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, stdin: 'ignore', timeout: 5000 },
  );
  if (asked.exitCode === 0) return { error: '' };
  const said = asked.stderr.toString().trim();
  // "cat: /proc/7/fd/3: No such file or directory", "/bin/sh: 1: kill: No such process"
  return { error: said.slice(said.lastIndexOf(': ') + 2) || `exit code ${asked.exitCode}` };
}
