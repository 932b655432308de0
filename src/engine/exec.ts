import { writeSync } from 'node:fs';
import { ClocheError } from '../error.ts';
import { configOf, findActive, type Image } from '../image/index.ts';
import { cgroupOf, entranceOf } from '../linux/cgroup/index.ts';
import { launch } from '../linux/launch.ts';
import { stepFailed } from '../linux/perform.ts';
import { exitCodeIn } from '../linux/signals.ts';
import { type TerminalSize, winsizeBytes } from '../linux/winsize.ts';
import { execPlan, type NamespaceType } from '../runtime/index.ts';
import type { Engine } from './engine.ts';
import { startError } from './errors.ts';
import { isUnfiltered } from './options.ts';
import { getContainer } from './records.ts';
import { seccompOf } from './seccomp.ts';
import { isAlive } from './settle.ts';
import { specOf } from './spec.ts';
import { stateOf } from './state.ts';
import { identityOf } from './users.ts';

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly env: readonly string[];
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly privileged: boolean;
  readonly terminalSize?: TerminalSize | undefined;
}

/**
 * Runs one more program in a running container, attached to our input and output.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_RUNNING`, `USER_NOT_FOUND`
 */
export function execInContainer(engine: Engine, name: string, options: ExecOptions) {
  const container = getContainer(engine, name);
  if (!isAlive(container) || container.pid === undefined)
    throw new ClocheError('CONTAINER_NOT_RUNNING', `container ${container.id} is not running`, {
      class: 'conflict',
      hint: `start one with cloche run; cloche ps --all shows how '${container.name}' ended`,
    });
  if (stateOf(engine, container) === 'paused')
    throw new ClocheError('CONTAINER_PAUSED', `container ${container.name} is paused`, {
      class: 'conflict',
      hint: `unpause it first: cloche unpause ${container.name}`,
    });
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
    ),
    mounts: [],
    argv: options.command,
    ownCapabilities: engine.machine.capabilities,
    terminalSize: options.terminalSize,
  });
  const namespaces = (spec.linux?.namespaces ?? []).map(({ type }) => type as NamespaceType);
  const entry = execPlan({
    id: container.id.slice(0, 12),
    pid: container.pid,
    namespaces,
    process: spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' },
    machine: engine.machine,
    walkerSize: engine.walkerSize,
    cgroup: entranceOf(cgroupOf(engine.hierarchies, container.pid)),
    seccomp: seccompOf(isUnfiltered(merged), spec.process?.capabilities?.bounding ?? []),
  });
  const input = options.interactive || options.tty ? 'inherit' : 'ignore';
  const launched = launch(entry.plan, { stdio: [input, 'inherit', 'inherit'], control: true });
  const exited = launched.exited.then(() => {
    const failure = launched.memory.failure();
    const exitCode = exitCodeIn(launched.memory.read(entry.pair.status));
    launched.close();
    if (failure !== undefined)
      throw startError(stepFailed(entry.plan, failure.step, failure.errno));
    return exitCode;
  });
  return {
    exited,
    pid: () => Number(launched.memory.value(entry.pair.pid)),
    resize: (size: TerminalSize) => writeSync(launched.control, winsizeBytes(size)),
  };
}
