import { Database } from 'bun:sqlite';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDead, type Owner } from '../src/image/index.ts';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { listPids, readCmdline, readStat } from '../src/linux/proc/index.ts';

/**
 * What commands on one CLOCHE_ROOT have on this machine, told apart from what others have there by the
 * ids that were ever written down: also those of containers whose record is gone by now.
 */
export interface Watch {
  /**
   * Mounts, cgroups, links, processes with their namespaces, ports, files and rows, one a line, sorted:
   * two moments are alike if these are.
   */
  traces(): string[];
  /** Living processes, by pid and command line. */
  processes(): { readonly pid: number; readonly line: string }[];
  /** Whether a container is written down as running that `before` knew nothing of. */
  isRunning(before: readonly string[]): boolean;
  close(): void;
}

/** What to look at besides. */
export interface Watched {
  /** A word in the command lines of what is run. */
  readonly marker: string;
  /** A port of 127.0.0.1 that is published, and by nobody else. */
  readonly port: number;
}

export function watch(root: string, about: Watched): Watch {
  const db = new Database(join(root, 'cloche.db'));
  db.run('PRAGMA busy_timeout = 20000');
  db.run('CREATE TABLE seen (id TEXT PRIMARY KEY)');
  // A RUN of a build is written down nowhere but where its address is.
  for (const table of ['containers', 'addresses'])
    db.run(`CREATE TRIGGER seen_${table} AFTER INSERT ON ${table}
      BEGIN INSERT OR IGNORE INTO seen VALUES (new.id); END`);
  const ids = () =>
    db
      .query<{ id: string }, []>('SELECT id FROM seen')
      .all()
      .map(({ id }) => id);
  const processes = () => processesOf(root, about.marker, ids());
  return {
    processes,
    traces: () => {
      const known = ids();
      return [
        ...mounts(root),
        ...groups(known),
        ...links(known),
        ...processes().map(({ pid, line }) => `process ${pid} ${networkOf(pid)} ${line}`),
        ...ports(about.port),
        ...files(root),
        ...rows(db),
      ].sort();
    },
    isRunning: (before) =>
      rows(db).some((row) => row.endsWith(' running') && !before.includes(row)),
    close: () => db.close(),
  };
}

function mounts(root: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.filter((line) => line.includes(root)).map((line) => `mount ${line}`);
}

/** A container's cgroup has its id for a name, a RUN's begins with whose it is; both wherever they are. */
function groups(ids: readonly string[]): string[] {
  const known = new Set(ids);
  return detectCgroups().all.flatMap(({ mountPoint }) => {
    const parent = `${mountPoint}/cloche`;
    const names = existsSync(parent) ? readdirSync(parent) : [];
    return names.filter((name) => known.has(name)).map((name) => `cgroup ${parent}/${name}`);
  });
}

/** The part of an id that is its own: `owner+uuid` of a RUN, the whole of a container's. */
const ownPart = (id: string) => id.split('+').at(-1) ?? id;

function links(ids: readonly string[]): string[] {
  const ours = new Set(ids.map((id) => `cl${ownPart(id).slice(0, 11)}`));
  return readdirSync('/sys/class/net').flatMap((name) => (ours.has(name) ? [`link ${name}`] : []));
}

/** By their environment, their command line, or the cgroup that they are in. */
function processesOf(root: string, marker: string, ids: readonly string[]) {
  const names = ids.flatMap((id) => [id.slice(0, 12), `build ${id.slice(-12)}`]);
  const shims = new Set(names.flatMap((name) => [`cloche-shim ${name}`, `cloche-exec ${name}`]));
  const isIn = (groups: string) => ids.some((id) => groups.includes(`/cloche/${id}`));
  return listPids().flatMap((pid) => {
    if (pid === process.pid || (readStat(pid)?.state ?? 'Z') === 'Z') return [];
    const command = readCmdline(pid) ?? [];
    const line = command.join(' ');
    const isOurs =
      shims.has(command[0] ?? '') ||
      line.includes(marker) ||
      line.includes(root) ||
      readText(`/proc/${pid}/environ`).includes(`CLOCHE_ROOT=${root}\0`) ||
      isIn(readText(`/proc/${pid}/cgroup`));
    return isOurs ? [{ pid, line }] : [];
  });
}

function networkOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return 'gone';
  }
}

/** Where packets are led, and whether somebody holds the port. */
function ports(port: number): string[] {
  const map = Bun.spawnSync(['nft', 'list', 'map', 'ip', 'cloche0', 'published']);
  const entries = map.stdout.toString().match(new RegExp(`[^,{]* \\. ${port} :[^,}]*`, 'g')) ?? [];
  return [
    ...entries.map((one) => `port led: ${one.trim()}`),
    ...(isFree(port) ? [] : ['port held']),
  ];
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}

/** All but what a committed layer consists of, and what is written down in `store-faults.ts`. */
function files(root: string): string[] {
  const deep = ['containers', 'tmp', 'volumes'].flatMap((name) => tree(join(root, name)));
  const active = readdirSync(join(root, 'snapshots')).filter((name) => name.startsWith('active-'));
  const top = readdirSync(root).filter((name) => !/^(cloche\.db|walker-)/.test(name));
  return [...deep, ...[...active, ...top].map((name) => join(root, name))].map((p) => `file ${p}`);
}

function tree(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) =>
    join(directory, name),
  );
}

/** A lease or a piece of work of somebody dead is nobody's: whoever needs one takes it. */
function rows(db: Database): string[] {
  const isHeld = (row: string) => {
    const [, owner] = /([^ ]+:\d+:\d+:[^ +]+)/.exec(row) ?? [];
    return owner === undefined || !isDead(owner as Owner);
  };
  const of = (table: string, columns: string, where = '') =>
    db
      .query<Record<string, unknown>, []>(`SELECT ${columns} FROM ${table} ${where}`)
      .all()
      .map((row) => `row of ${table}: ${Object.values(row).join(' ')}`)
      .filter(isHeld);
  return [
    ...of('containers', 'id, name, status'),
    ...of('active', 'id'),
    ...of('addresses', 'number, id', "WHERE id LIKE '%+%' OR id IN (SELECT id FROM containers)"),
    ...of('work', 'name, owner'),
  ];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
