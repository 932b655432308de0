import {
  closeSync,
  constants,
  existsSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { type Launched, launch, words } from '../../linux/launch.ts';
import { perform, stepFailed } from '../../linux/perform.ts';
import { call, flags, mode, plan, text } from '../../linux/plan/index.ts';
import { readStat } from '../../linux/proc/index.ts';
import { exitCodeIn } from '../../linux/signals.ts';
import { soon } from '../../linux/soon.ts';
import { type ContainerPlan, containerPlan } from '../birth/container.ts';
import { type Bundle, birthOfBundle, cgroupPathOf, readBundle } from './bundle.ts';
import { ownFds } from './fds.ts';
import { endGroup, groupOf, signalTo } from './group.ts';
import { runHooks } from './hooks.ts';
import { hookFailure, tellHooks } from './inner-hooks.ts';
import { ioOf } from './io.ts';
import {
  claim,
  claimGroup,
  fifoPath,
  forget,
  isAlive,
  type Record,
  readRecord,
  stateOf,
  writeRecord,
} from './state.ts';

/** What `create` and `run` can be told. */
export interface CreateOptions {
  /** Where containers are written down. */
  readonly root: string;
  readonly bundle: string;
  readonly pidFile?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly preserveFds?: number | undefined;
  /** Told what the config asks for and this machine or this runtime cannot give. */
  readonly onWarnings?: ((warnings: readonly string[]) => void) | undefined;
}

/**
 * Creates a container: everything is done but the execution of its program, which waits for `start`.
 * Whatever fails, nothing of it is left.
 *
 * @throws {ClocheError} `CONTAINER_EXISTS`, `BUNDLE_INVALID`, `SPEC_INVALID`, `HOOK_FAILED`, `STEP_FAILED`
 */
export async function create(id: string, options: CreateOptions): Promise<void> {
  const bundle = readBundle(options.bundle);
  const io = ioOf(bundle.spec.process, options, 'console');
  const directory = await claim(options.root, id);
  const fifo = fifoPath(options.root, id);
  try {
    await perform(
      plan('start fifo', [
        call(
          'mknodat',
          [flags('AT_FDCWD'), text(fifo), mode(0o010600), 0],
          'where `start` gives its sign',
        ),
      ]),
    );
    const exitRecord = join(directory, 'exit');
    const { preserveFds } = options;
    const about = { io, exitRecord, startFifo: fifo, bound: false, preserveFds };
    const birth = containerPlan(await birthOfBundle(id, bundle, about));
    claimGroup(options.root, id, cgroupPathOf(bundle.spec, id));
    options.onWarnings?.(birth.warnings);
    const launched = launch(birth.plan, { control: true, extraFds: ownFds(preserveFds) });
    await follow(id, bundle, options, birth, launched, 'c');
    launched.unref();
  } catch (error) {
    forget(options.root, id);
    throw error;
  }
}

/** Creates and starts in one go, attached. @returns the exit code */
export async function run(id: string, options: CreateOptions): Promise<number> {
  const bundle = readBundle(options.bundle);
  const io = ioOf(bundle.spec.process, options, 'terminal');
  const directory = await claim(options.root, id);
  try {
    const exitRecord = join(directory, 'exit');
    const { preserveFds } = options;
    const about = { io, exitRecord, bound: true, preserveFds };
    const birth = containerPlan(await birthOfBundle(id, bundle, about));
    claimGroup(options.root, id, cgroupPathOf(bundle.spec, id));
    options.onWarnings?.(birth.warnings);
    const launched = launch(birth.plan, { control: true, extraFds: ownFds(preserveFds) });
    const record = await follow(id, bundle, options, birth, launched, 's');
    await runHooks(bundle.spec.hooks?.poststart, stateOf(options.root, record));
    await launched.exited;
    await runHooks(bundle.spec.hooks?.poststop, stateOf(options.root, record));
    return exitCodeIn(launched.memory.read(birth.pair.status));
  } finally {
    forget(options.root, id);
  }
}

/** Lets the program of a created container begin. @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_CREATED` */
export async function start(root: string, id: string): Promise<void> {
  const record = await readRecord(root, id);
  const { status } = stateOf(root, record);
  if (status !== 'created') throw notCreated(REFUSAL[status], id);
  giveSign(fifoPath(root, id), id);
  await runHooks(readBundle(record.bundle).spec.hooks?.poststart, stateOf(root, record));
}

/** @throws {ClocheError} `CONTAINER_NOT_CREATED`: init has died since we looked */
function giveSign(fifo: string, id: string): void {
  try {
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, 'g');
    closeSync(fd);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENXIO' && code !== 'EPIPE') throw error;
    throw notCreated(REFUSAL.stopped, id);
  }
  rmSync(fifo);
}

const SIGKILL = 9;

/** In runc's words. */
const REFUSAL = {
  creating: 'cannot start a container in the creating state',
  running: 'cannot start an already running container',
  paused: 'cannot start a container in the paused state',
  stopped: 'cannot start a container that has stopped',
};

function notCreated(message: string, id: string): ClocheError {
  return new ClocheError('CONTAINER_NOT_CREATED', message, {
    class: 'conflict',
    hint: `cloche oci state ${id}`,
  });
}

/** Sends a signal to init, or with `all` to everybody in its cgroup. @throws {ClocheError} `CONTAINER_NOT_RUNNING` */
export async function kill(root: string, id: string, signal: number, all: boolean): Promise<void> {
  const record = await readRecord(root, id);
  if (all) {
    for (const pid of groupOf(record)?.processes() ?? []) signalTo(pid, signal);
    return;
  }
  if (isAlive(record) && signalTo(record.pid, signal)) {
    const group = groupOf(record);
    // On v1, who is frozen dies only when thawed.
    if (signal === SIGKILL && group?.directory('freezer') !== undefined) group.thaw();
    return;
  }
  throw new ClocheError('CONTAINER_NOT_RUNNING', 'container not running', {
    class: 'conflict',
    hint: `cloche oci state ${id}`,
  });
}

/** Removes what is left of a stopped container. @throws {ClocheError} `CONTAINER_NOT_STOPPED` */
export async function remove(root: string, id: string, force: boolean): Promise<void> {
  const record = await readRecord(root, id);
  const state = stateOf(root, record);
  if (state.status !== 'stopped') {
    if (!force && state.status !== 'created')
      throw new ClocheError(
        'CONTAINER_NOT_STOPPED',
        `cannot delete container ${id} that is not stopped: ${state.status}`,
        {
          class: 'conflict',
          hint: 'kill it first, or use --force',
        },
      );
    signalTo(record.pid, 'SIGKILL');
  }
  await endGroup(record);
  await soon(5000, () => !isAlive(record));
  const { hooks } = existsSync(join(record.bundle, 'config.json'))
    ? readBundle(record.bundle).spec
    : {};
  forget(root, id);
  await runHooks(hooks?.poststop, { ...state, status: 'stopped', pid: 0 });
}

/** Watches a birth until the shim says `word`, running the hooks on the way; writes down who init is. */
async function follow(
  id: string,
  { path, spec }: Bundle,
  { root, pidFile }: CreateOptions,
  birth: ContainerPlan,
  launched: Launched,
  word: 'c' | 's',
): Promise<Record> {
  const recordNow = (): Record => {
    const pid = Number(launched.memory.value(birth.pair.pid));
    return {
      id,
      bundle: path,
      annotations: spec.annotations ?? {},
      pid,
      pidStart: String(readStat(pid)?.startTime ?? ''),
      created: new Date().toISOString(),
      cgroup: cgroupPathOf(spec, id),
    };
  };
  let record: Record | undefined;
  try {
    for await (const said of words(launched.control)) {
      if (said === 'n') {
        const state = { ...stateOf(root, recordNow()), status: 'creating' as const };
        await runHooks(
          [...(spec.hooks?.prestart ?? []), ...(spec.hooks?.createRuntime ?? [])],
          state,
        );
        tellHooks(birth, launched, state);
        writeSync(launched.control, 'g');
      }
      if (said === word) {
        record = recordNow();
        writeRecord(root, record);
        if (pidFile !== undefined) writeFileSync(pidFile, String(record.pid));
        // Of a created one the shim wants to know that, and says that it has heard it.
        if (word === 'c') writeSync(launched.control, 'g');
        else return record;
      }
      if (said === 'o' && record !== undefined) return record;
    }
  } catch (error) {
    // The shim waits for our word; when there is nobody to give it, it ends init and clears away.
    launched.close();
    const late = setTimeout(() => process.kill(launched.pid, 'SIGKILL'), 5000);
    await launched.exited;
    clearTimeout(late);
    await endGroup({ cgroup: cgroupPathOf(spec, id) });
    throw error;
  }
  await launched.exited;
  const failure = launched.memory.failure();
  const hook = hookFailure(birth, launched);
  if (hook !== undefined) throw hook;
  throw failure === undefined
    ? new ClocheError('WALKER_DIED', `the shim of '${id}' was killed`)
    : stepFailed(birth.plan, failure.step, failure.errno);
}
