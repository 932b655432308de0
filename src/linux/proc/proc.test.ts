import { afterAll, expect, test } from 'bun:test';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform } from '../perform.ts';
import { call, flags, plan, text } from '../plan/index.ts';
import {
  listPids,
  NAMESPACE_NAMES,
  parseCmdline,
  parseMountinfo,
  parseStat,
  parseStatus,
  readCmdline,
  readFds,
  readMounts,
  readNamespaces,
  readStat,
  readStatus,
} from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'cloche proc#'));
const began = performance.now();
const sleeper = Bun.spawn(['sleep', '1000'], { stdio: ['ignore', 'ignore', 'ignore'] });
afterAll(async () => {
  sleeper.kill();
  await sleeper.exited;
  rmdirSync(directory);
});

/** The pid of a process that was and is no more. */
async function gone(): Promise<number> {
  const child = Bun.spawn(['true']);
  await child.exited;
  return child.pid;
}

test('parseMountinfo reads every field of a line', () => {
  const line =
    '36 35 98:1 /a\\040b /mnt\\134two rw,noatime shared:7 master:1 propagate_from:2 unbindable - fuse.x my\\011dev rw,errors=continue\n';
  expect(parseMountinfo(line)).toEqual([
    {
      id: 36,
      parent: 35,
      major: 98,
      minor: 1,
      root: '/a b',
      mountPoint: '/mnt\\two',
      options: ['rw', 'noatime'],
      shared: 7,
      master: 1,
      propagateFrom: 2,
      unbindable: true,
      type: 'fuse.x',
      source: 'my\tdev',
      superOptions: ['rw', 'errors=continue'],
    },
  ]);
});

test('parseMountinfo takes a line without optional fields, an empty source, and a mount point "-"', () => {
  const [mount] = parseMountinfo('1 1 0:2 / - rw - tmpfs  rw');
  expect(mount).toMatchObject({ mountPoint: '-', source: '', type: 'tmpfs', superOptions: ['rw'] });
  expect(mount).toMatchObject({ shared: undefined, master: undefined, unbindable: false });
  expect(parseMountinfo('\nrubbish\n')).toEqual([]);
});

test('readMounts finds a mount whose path holds a space and a #', async () => {
  const mount = [text('cloche-proc-test'), text(directory), text('tmpfs'), flags('MS_NODEV'), 0];
  await perform(plan('mounts', [call('mount', mount, 'a mount to be found')]));
  const found = readMounts()?.find(({ mountPoint }) => mountPoint === directory);
  const { dev } = lstatSync(directory);
  await perform(plan('unmounts', [call('umount2', [text(directory), 0], 'and gone again')]));
  expect(found).toMatchObject({ type: 'tmpfs', source: 'cloche-proc-test', root: '/' });
  expect(found?.options).toContain('nodev');
  expect((found?.minor ?? 0) & 0xff).toBe(dev & 0xff);
  expect(readMounts()?.some(({ mountPoint }) => mountPoint === directory)).toBe(false);
});

test('parseStatus reads identity, namespaces, capabilities and seccomp', () => {
  const status = parseStatus(
    [
      'Name:\ta b:\\nc\\\\',
      'State:\tT (stopped)',
      'Pid:\t71',
      'PPid:\t70',
      'Uid:\t1\t2\t3\t4',
      'Gid:\t5\t6\t7\t8',
      'Groups:\t9 10 ',
      'NSpid:\t71\t12\t1',
      'Threads:\t3',
      'CapInh:\t0000000000000001',
      'CapPrm:\t000001ffffffffff',
      'CapEff:\t00000000a80425fb',
      'CapBnd:\t0000000000000002',
      'CapAmb:\t0000000000000004',
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
      'Seccomp_filters:\t4',
      '',
    ].join('\n'),
  );
  expect(status).toEqual({
    name: 'a b:\nc\\',
    state: 'T',
    pid: 71,
    ppid: 70,
    uid: { real: 1, effective: 2, saved: 3, filesystem: 4 },
    gid: { real: 5, effective: 6, saved: 7, filesystem: 8 },
    groups: [9, 10],
    nsPid: [71, 12, 1],
    capabilities: {
      inheritable: 1n,
      permitted: 0x1ffffffffffn,
      effective: 0xa80425fbn,
      bounding: 2n,
      ambient: 4n,
    },
    noNewPrivs: true,
    seccomp: 'filter',
    seccompFilters: 4,
    threads: 3,
  });
});

test('readStatus and readStat agree on a living process', () => {
  const status = readStatus(sleeper.pid);
  const stat = readStat(sleeper.pid);
  expect(status).toMatchObject({ name: 'sleep', pid: sleeper.pid, ppid: process.pid });
  expect(status?.uid.effective).toBe(process.geteuid?.());
  expect(status?.nsPid.at(0)).toBe(sleeper.pid);
  expect(stat).toMatchObject({ pid: sleeper.pid, comm: 'sleep', ppid: process.pid });
});

test('parseStat keeps a name with spaces and parentheses whole', () => {
  const stat = parseStat(
    `12 (a) R (b c)) S 1 12 10 ${Array.from({ length: 15 }, () => 0).join(' ')} 4711 0\n`,
  );
  expect(stat).toEqual({
    pid: 12,
    comm: 'a) R (b c)',
    state: 'S',
    ppid: 1,
    pgrp: 12,
    session: 10,
    startTime: 4711,
  });
});

test('readStat gives a start time in hundredths of a second since the machine started', () => {
  const now = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  const age = now - (readStat(sleeper.pid)?.startTime ?? 0) / 100;
  expect(age).toBeGreaterThan(-0.02);
  expect(age).toBeLessThan((performance.now() - began) / 1000 + 0.1);
});

test('readNamespaces gives the inodes that stat(2) gives, and a new namespace another number', async () => {
  const mine = readNamespaces('self');
  for (const name of NAMESPACE_NAMES)
    expect(mine?.[name]).toBe(statSync(`/proc/self/ns/${name}`).ino);
  const other = Bun.spawn(['unshare', '-n', 'sleep', '1000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  while (readCmdline(other.pid)?.[0] !== 'sleep') await Bun.sleep(2);
  const theirs = readNamespaces(other.pid);
  other.kill();
  await other.exited;
  expect(theirs?.net).not.toBe(mine?.net);
  expect({ ...theirs, net: 0 }).toEqual({ ...mine, net: 0 });
});

test('listPids has us, readCmdline our arguments', () => {
  expect(listPids()).toContain(process.pid);
  expect(readCmdline(sleeper.pid)).toEqual(['sleep', '1000']);
});

test('readFds shows what is open, a deleted file too, until it is closed', async () => {
  const path = join(directory, 'secret');
  const child = Bun.spawn(['sh', '-c', 'exec 3<>"$0"; echo ready; read line', path], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await child.stdout.getReader().read();
  const fds = readFds(child.pid);
  expect(fds?.map(({ fd }) => fd)).toEqual([0, 1, 2, 3]);
  expect(fds?.[2]).toEqual({ fd: 2, target: '/dev/null' });
  expect(fds?.[3]).toEqual({ fd: 3, target: path });
  unlinkSync(path);
  expect(readFds(child.pid)?.[3]?.target).toBe(`${path} (deleted)`);
  child.stdin.end();
  await child.exited;

  const own = openSync('/dev/null', 'r');
  const isOpen = () => readFds('self')?.some(({ fd }) => fd === own);
  expect(isOpen()).toBe(true);
  closeSync(own);
  expect(isOpen()).toBe(false);
});

test('parseCmdline keeps empty arguments', () => {
  expect(parseCmdline('sh\0-c\0\0')).toEqual(['sh', '-c', '']);
  expect(parseCmdline('title without an end')).toEqual(['title without an end']);
  expect(parseCmdline('')).toEqual([]);
});

test('every reader says undefined of a process that is gone', async () => {
  const pid = await gone();
  const all = [readMounts, readStatus, readStat, readNamespaces, readCmdline, readFds];
  expect(all.map((read) => read(pid))).toEqual(all.map(() => undefined));
});
