import { writeSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { configOf, findActive, type Image } from '../../image/index.ts';
import { LIVE } from '../../image/layer/beneath.ts';
import { cgroupOf, entranceOf } from '../../linux/cgroup/index.ts';
import { type Launched, words } from '../../linux/launch.ts';
import { launch } from '../../linux/launch-plan.ts';
import { stepFailed } from '../../linux/perform.ts';
import type { Value } from '../../linux/plan/index.ts';
import { exitCodeIn } from '../../linux/signals.ts';
import { type TerminalSize, winsizeBytes } from '../../linux/winsize.ts';
import { execPlan, type NamespaceType } from '../../runtime/index.ts';
import type { Engine } from '../engine.ts';
import { startError } from '../errors.ts';
import { isUnfiltered } from '../options.ts';
import { seccompOf } from '../start/seccomp.ts';
import { specOf } from '../start/spec.ts';
import { identityOf } from '../start/users.ts';
import { isAlive } from './processes.ts';
import { type Container, getContainer } from './records.ts';
import { stateOf } from './state.ts';

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly env: readonly string[];
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly privileged: boolean;
  /** In the background: nobody hears what it says, and it may outlive us. */
  readonly detach?: boolean | undefined;
  readonly terminalSize?: TerminalSize | undefined;
}

/**
 * Runs one more program in a running container, attached to our input and output.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_RUNNING`, `USER_NOT_FOUND`
 */
export function execInContainer(engine: Engine, name: string, options: ExecOptions) {
  const entry = entryOf(engine, runningOne(engine, name), options);
  const input = options.interactive || options.tty ? 'inherit' : 'ignore';
  const launched = launch(entry.plan, {
    stdio: options.detach ? ['ignore', 'ignore', 'ignore'] : [input, 'inherit', 'inherit'],
    control: true,
  });
  const started = options.detach ? undefined : begun(launched, entry.pair.pid);
  const exited = launched.exited.then(async () => {
    await started;
    const failure = launched.memory.failure();
    const exitCode = exitCodeIn(launched.memory.read(entry.pair.status));
    launched.close();
    if (failure !== undefined)
      throw startError(stepFailed(entry.plan, failure.step, failure.errno));
    return exitCode;
  });
  return {
    exited,
    /** Of one in the foreground: its pid when it has begun; 0 when it has failed to. */
    started,
    resize: (size: TerminalSize) => writeSync(launched.control, winsizeBytes(size)),
    /** For one in the background: resolves when it runs by itself; rejects with what kept it from that. */
    released: async () => {
      for await (const word of words(launched.control)) {
        if (word === 's') writeSync(launched.control, 'g');
        if (word !== 'o') continue;
        launched.unref();
        return;
      }
      await exited;
    },
  };
}

/** Waits until the program has begun, or has failed to. @returns its pid; 0 where there is none */
async function begun({ control, memory }: Launched, pid: Value): Promise<number> {
  for await (const word of words(control)) if (word === 's') break;
  return Number(memory.value(pid));
}

/** @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_RUNNING`, `CONTAINER_PAUSED` */
function runningOne(engine: Engine, name: string): Container & { readonly pid: number } {
  const container = getContainer(engine, name);
  const { pid } = container;
  if (!isAlive(container) || pid === undefined)
    throw new ClocheError('CONTAINER_NOT_RUNNING', `container ${container.id} is not running`, {
      class: 'conflict',
      hint: `start one with cloche run; cloche ps --all shows how '${container.name}' ended`,
    });
  if (stateOf(engine, container) === 'paused')
    throw new ClocheError('CONTAINER_PAUSED', `container ${container.name} is paused`, {
      class: 'conflict',
      hint: `unpause it first: cloche unpause ${container.name}`,
    });
  return { ...container, pid };
}

/** The plan of its entrance. */
function entryOf(
  engine: Engine,
  container: Container & { readonly pid: number },
  options: ExecOptions,
) {
  const active = findActive(engine.store, container.snapshot);
  const layers = active === undefined ? [] : [active.upper, ...active.lower];
  const { config } = configOf(engine.store, { id: container.imageId as Image['id'] });
  const merged = {
    ...container.options,
    tty: options.tty,
    env: [...container.options.env, ...options.env],
    workdir: options.workdir ?? container.options.workdir,
    privileged: options.privileged || container.options.privileged,
  };
  const spec = specOf(merged, {
    id: container.id,
    config,
    identity: identityOf(
      layers,
      options.user ?? container.options.user ?? config.User,
      container.options.groupAdd,
      LIVE,
    ),
    mounts: [],
    argv: options.command,
    ownCapabilities: engine.machine.capabilities,
    terminalSize: options.terminalSize,
  });
  const namespaces = (spec.linux?.namespaces ?? []).map(({ type }) => type as NamespaceType);
  return execPlan({
    id: container.id.slice(0, 12),
    pid: container.pid,
    namespaces,
    process: spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' },
    machine: engine.machine,
    walkerSize: engine.walkerSize,
    cgroup: entranceOf(cgroupOf(engine.hierarchies, container.pid)),
    seccomp: seccompOf(isUnfiltered(merged), spec.process?.capabilities?.bounding ?? []),
    outlives: options.detach,
  });
}
