import { rmSync, writeSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { ClocheError } from '../../error.ts';
import { cgroupOf, detectCgroups, entranceOf } from '../../linux/cgroup/index.ts';
import { type Launched, words } from '../../linux/launch.ts';
import { launch } from '../../linux/launch-plan.ts';
import { stepFailed } from '../../linux/perform.ts';
import type { Plan } from '../../linux/plan/index.ts';
import { readNamespaces } from '../../linux/proc/index.ts';
import { exitCodeIn } from '../../linux/signals.ts';
import { installedWalker } from '../../linux/walker/index.ts';
import { execPlan } from '../birth/exec.ts';
import type { Listener } from '../birth/listener.ts';
import { ownMachine } from '../machine.ts';
import type { NamespaceType, Process } from '../spec.ts';
import { ownFds } from './fds.ts';
import { withHome } from './home.ts';
import { ioOf } from './io.ts';
import { guardOf, listenerError, tellAgent } from './listener.ts';
import { writePidFile } from './pid-file.ts';
import { programError } from './program.ts';
import { type Record, readRecord, specOf, stateOf } from './state.ts';

/** How one more process is started. */
export interface ExecOptions {
  /** What it shall be, made of the process of the container's config. */
  readonly process: (own: Process) => Process;
  /** Return once it runs. */
  readonly detach: boolean;
  readonly pidFile?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly preserveFds?: number | undefined;
  /** Told when it has begun, by the pid that it has here. */
  readonly onStarted?: ((pid: number) => void) | undefined;
}

/**
 * Runs one more process in a container, with the rights, limits and filter that its config gives.
 *
 * @returns its exit code; 0 for one that is detached
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_RUNNING`, `CONTAINER_PAUSED`, `CWD_INVALID`,
 *   `CONSOLE_SOCKET_…`, `STEP_FAILED`
 */
export async function exec(root: string, id: string, options: ExecOptions): Promise<number> {
  const record = await runningRecord(root, id);
  const spec = specOf(root, record);
  const asked = options.process(spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' });
  requireAbsolute(asked.cwd);
  const process = await withHome(asked, `/proc/${record.pid}/root`);
  const io = ioOf(process, options, options.detach ? 'console' : 'terminal');
  const guard = guardOf(spec, { id, bundle: record.bundle });
  const { preserveFds } = options;
  const entry = execPlan({
    ...{ id, pid: record.pid, process, io, preserveFds, adopted: options.detach },
    namespaces: differing(record.pid),
    machine: ownMachine(),
    walkerSize: installedWalker().size,
    cgroup: entranceOf(cgroupOf(detectCgroups(), record.pid)),
    seccomp: guard.seccomp,
    listener: guard.listener,
  });
  const launched = launch(entry.plan, { control: true, extraFds: ownFds(preserveFds) });
  const pidOf = () => Number(launched.memory.value(entry.pair.pid));
  const introduce = () =>
    guard.listener && tellAgent(launched, guard.listener, pidOf(), stateOf(root, record));
  const started = begun(launched, options, pidOf, introduce);
  await launched.exited;
  await started;
  verify(entry.plan, launched, process, guard.listener);
  return options.detach ? 0 : exitCodeIn(launched.memory.read(entry.pair.status));
}

/** Writes down its pid, and says when it runs. One that is to be left alone waits for its pid to be known. */
async function begun(
  launched: Launched,
  { detach, pidFile, onStarted }: ExecOptions,
  pidOf: () => number,
  introduce: () => void,
): Promise<void> {
  for await (const word of words(launched.control)) {
    if (word === (detach ? 'c' : 's')) writePidFile(pidFile, pidOf());
    if (word === 'l') introduce();
    if (word === 'c' || word === 'l') writeSync(launched.control, 'g');
    if (word !== 's') continue;
    onStarted?.(pidOf());
    return;
  }
  // What did not come to run has no pid.
  if (pidFile !== undefined) rmSync(pidFile, { force: true });
}

async function runningRecord(root: string, id: string): Promise<Record> {
  const record = await readRecord(root, id);
  const { status } = stateOf(root, record);
  if (status === 'running' || status === 'created') return record;
  // Born into a frozen cgroup it would not take its first step, and we would wait for it.
  if (status === 'paused')
    throw new ClocheError('CONTAINER_PAUSED', 'cannot exec in a paused container', {
      class: 'conflict',
      hint: `cloche oci resume ${id}`,
    });
  throw new ClocheError('CONTAINER_NOT_RUNNING', `cannot exec in a ${status} container`, {
    class: 'conflict',
    hint: `cloche oci state ${id}`,
  });
}

/** A relative one would begin where `exec` was called: on the host. */
function requireAbsolute(cwd: string): void {
  if (isAbsolute(cwd)) return;
  throw new ClocheError('CWD_INVALID', `Cwd must be an absolute path: '${cwd}'`, {
    class: 'invalid-argument',
    hint: '--cwd names a directory of the container, from its root on',
  });
}

function verify(
  plan: Plan,
  { memory }: Launched,
  { args }: Process,
  listener: Listener | undefined,
): void {
  const failure = memory.failure();
  if (failure === undefined) return;
  const failed = stepFailed(plan, failure.step, failure.errno);
  throw programError(listenerError(failed, listener), args);
}

/** The namespaces in which a process is not where we are. */
function differing(pid: number): NamespaceType[] {
  const [theirs, ours] = [readNamespaces(pid), readNamespaces('self')];
  const kinds = {
    mnt: 'mount',
    net: 'network',
    pid: 'pid',
    ipc: 'ipc',
    uts: 'uts',
    user: 'user',
    cgroup: 'cgroup',
  } as const;
  return (Object.keys(kinds) as (keyof typeof kinds)[])
    .filter((name) => theirs?.[name] !== ours?.[name])
    .map((name) => kinds[name]);
}
