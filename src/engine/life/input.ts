import { constants, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { perform } from '../../linux/perform.ts';
import { bytes, call, flags, mode, plan, result, text } from '../../linux/plan/index.ts';
import { readCmdline } from '../../linux/proc/processes.ts';
import { type TerminalSize, winsizeBytes } from '../../linux/winsize.ts';
import type { Engine } from '../engine.ts';
import { type Container, directoryOf } from './records.ts';

/**
 * The input of a container in the background (`-d -i`): a fifo in its directory, which its shim or its
 * program holds open for both ends, so that it has no end before the container has. Whoever is attached
 * writes into it.
 */

const S_IFIFO = 0o010000;

/** Makes it, where it is not there from an earlier start; open for both ends. */
export async function openInput(engine: Engine, id: string): Promise<number> {
  const path = pathOf(engine, id);
  const args = [flags('AT_FDCWD'), text(path), mode(S_IFIFO | 0o600), 0];
  const make = call('mknodat', args, 'what is typed goes through here', { tolerate: ['EEXIST'] });
  await perform(plan('input of a container', [make]));
  return openSync(path, 'r+');
}

/** Opens it to write into; undefined for a container that has none. A write that would wait is an EAGAIN. */
export function openToType(engine: Engine, { id, options }: Container): number | undefined {
  const path = pathOf(engine, id);
  if (!options.interactive || !existsSync(path)) return undefined;
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // Nobody holds the other end: it runs in the foreground of another command, or has just ended.
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw error;
  }
}

/**
 * Tells a container's terminal how large ours is, by way of its shim's descriptor: what the container itself
 * has as its own may be anything.
 */
export async function resizeTerminal(pid: number, size: TerminalSize): Promise<void> {
  const shim = shimOf(pid);
  const theirs = shim === undefined ? undefined : masterOf(shim);
  if (shim === undefined || theirs === undefined) return;
  const [pidfd, master] = [result('shim'), result('master')];
  const winsize = bytes(winsizeBytes(size), `{${size.height} rows, ${size.width} columns}`);
  await perform(
    plan('resize a terminal', [
      call('pidfd_open', [shim, 0], 'the shim', { save: pidfd }),
      call('pidfd_getfd', [pidfd, theirs, 0], 'its end of the terminal', { save: master }),
      call('ioctl', [master, flags('TIOCSWINSZ'), winsize], 'the window has another size'),
    ]),
  ).catch(() => undefined);
}

/** The parent of a container's init; if that has ended, its pid may be anybody's by now. */
function shimOf(pid: number): number | undefined {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  const parent = Number(/^PPid:\t(\d+)$/m.exec(status)?.[1] ?? 0);
  const isShim = readCmdline(parent)?.[0]?.startsWith('cloche-shim ') === true;
  return isShim ? parent : undefined;
}

function masterOf(shim: number): number | undefined {
  const directory = `/proc/${shim}/fd`;
  const fds = attempt(() => readdirSync(directory)) ?? [];
  const found = fds.find((fd) =>
    attempt(() => readlinkSync(join(directory, fd)))?.endsWith('/ptmx'),
  );
  return found === undefined ? undefined : Number(found);
}

/** Undefined where a process has just ended. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function pathOf(engine: Engine, id: string): string {
  return join(directoryOf(engine, id), 'input');
}
