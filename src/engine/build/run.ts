import { existsSync, mkdirSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type RunSpec, runFailure } from '../../build/index.ts';
import { temporaryPath } from '../../image/index.ts';
import { cgroupSteps } from '../../linux/cgroup/index.ts';
import type { Launched, LaunchOptions } from '../../linux/launch.ts';
import { launch } from '../../linux/launch-plan.ts';
import { stepFailed } from '../../linux/perform.ts';
import { exitCodeIn } from '../../linux/signals.ts';
import { type TerminalSize, winsizeBytes } from '../../linux/winsize.ts';
import { type ContainerPlan, containerPlan, type Mount } from '../../runtime/index.ts';
import { CGROUP_PARENT, type Engine, mountPointOf } from '../engine.ts';
import { startError } from '../errors.ts';
import { attach } from '../network/attach.ts';
import { cableSteps } from '../network/cable.ts';
import { DEFAULT_OPTIONS, isUnfiltered, type RunOptions } from '../options.ts';
import { etcMounts, kindOf } from '../start/files.ts';
import { seccompOf } from '../start/seccomp.ts';
import { specOf } from '../start/spec.ts';
import { identityOf } from '../start/users.ts';
import { type BuildMounts, buildMounts } from './mounts.ts';
import { type BuildShell, type OpenShell, shellOf } from './shell.ts';
import { watchStubs } from './stubs.ts';

/** Runs a RUN: see `runCommandOf`. @returns its exit code */
export async function performRun(
  engine: Engine,
  run: RunSpec,
  shell: BuildShell | undefined,
): Promise<number> {
  // Its name says whose it is, so that what a killed build leaves can be told from the living.
  const scratch = temporaryPath(engine.store);
  const id = scratch.slice(scratch.lastIndexOf('/') + 1);
  mkdirSync(scratch, { recursive: true });
  try {
    const own = await buildMounts(scratch, run.mounts);
    try {
      return await runIn(engine, run, { ...own, id, scratch }, shell);
    } finally {
      own.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What a RUN has beside its root, for the command and for who looks at it afterwards. */
interface Room extends Pick<BuildMounts, 'mounts' | 'memory'> {
  readonly id: string;
  readonly scratch: string;
}

async function runIn(
  engine: Engine,
  run: RunSpec,
  room: Room,
  shell: BuildShell | undefined,
): Promise<number> {
  const [result] = await Promise.allSettled([runCommand(engine, run, room)]);
  const isGood = result.status === 'fulfilled' && result.value === 0;
  if (shell !== undefined && !isGood && !run.signal.aborted) {
    const why =
      result.status === 'fulfilled' ? runFailure(run.argv, result.value) : result.reason.message;
    await shell.show(why, () => openShell(engine, run, room, shell), run.signal);
    run.signal.throwIfAborted();
  }
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

async function runCommand(engine: Engine, run: RunSpec, room: Room): Promise<number> {
  const { exited, output, warnings } = await start(engine, run, room, {
    argv: run.argv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const warning of warnings) run.onOutput('stderr', Buffer.from(`warning: ${warning}\n`));
  const pumped = output.map((stream, i) => read(stream, i === 0 ? 'stdout' : 'stderr', run));
  const [exitCode] = await Promise.all([exited, ...pumped]);
  return exitCode;
}

/** A second container in the room of the first: the same files, mounts, variables, user, directory. */
async function openShell(
  engine: Engine,
  run: RunSpec,
  room: Room,
  { tty, stdio, size }: BuildShell,
): Promise<OpenShell> {
  const argv = [shellOf(engine.store, run)];
  return start(engine, run, room, { argv, stdio, tty, terminalSize: size() });
}

/** What is run in a RUN's room, and what it is connected to. */
interface Command extends Pick<LaunchOptions, 'stdio'> {
  readonly argv: readonly string[];
  readonly tty?: boolean;
  readonly terminalSize?: TerminalSize | undefined;
}

async function start(
  engine: Engine,
  run: RunSpec,
  { id, scratch, mounts, memory }: Room,
  { argv, stdio, tty = false, terminalSize }: Command,
): Promise<OpenShell & Pick<Launched, 'output'> & Pick<ContainerPlan, 'warnings'>> {
  const { snapshot } = run;
  const options = optionsOf(run, tty);
  const network = await attach(engine, { id, options });
  const authorities = authorityMounts();
  const spec = specOf(options, {
    id,
    config: { Env: authorities.env },
    identity: identityOf([snapshot.upper, ...snapshot.lower], run.user),
    ...{ argv, terminalSize },
    ownCapabilities: engine.machine.capabilities,
    mounts: [
      ...etcMounts(scratch, { id, options, address: network.address }),
      ...authorities.mounts,
      ...mounts,
    ],
  });
  const targets = (spec.mounts ?? []).map(({ destination }) => destination);
  const clearStubs = watchStubs(engine.store, snapshot, targets);
  const birth = containerPlan({
    id: `build ${id.slice(-12)}`,
    spec,
    root: { kind: 'overlay', ...snapshot, at: mountPointOf(engine) },
    machine: engine.machine,
    // What is in memory is not there yet, and none of it is a directory.
    sourceKind: (source) => (source.startsWith(`${memory?.directory}/`) ? 'file' : kindOf(source)),
    memory,
    walkerSize: engine.walkerSize,
    cgroup: cgroupSteps(engine.hierarchies, `${CGROUP_PARENT}/${id}`, spec.linux?.resources ?? {}),
    network: cableSteps(network),
    seccomp: seccompOf(isUnfiltered(options), spec.process?.capabilities?.bounding ?? []),
    io: { kind: tty ? 'terminal' : 'inherit' },
    bound: true,
  });
  const launched = launch(birth.plan, { stdio, control: true });
  return {
    output: launched.output,
    warnings: birth.warnings,
    exited: ended(birth, launched, run.signal).finally(clearStubs),
    resize: (size) => writeSync(launched.control, winsizeBytes(size)),
  };
}

function optionsOf(run: RunSpec, tty: boolean): RunOptions {
  return {
    ...DEFAULT_OPTIONS,
    ...{ image: 'build', hostname: 'buildkitsandbox', tty },
    env: [...run.env],
    user: run.user,
    workdir: run.cwd,
    network: networkMode(run.network),
    privileged: run.privileged,
    ...run.surroundings,
  };
}

/** Waits for the container's end, which comes at once when the build is stopped. @returns its exit code */
async function ended(
  birth: ContainerPlan,
  launched: Launched,
  signal: AbortSignal,
): Promise<number> {
  const abort = () => {
    const pid = Number(launched.memory.value(birth.pair.pid));
    try {
      process.kill(pid > 0 ? pid : launched.pid, 'SIGKILL');
    } catch {
      // It has ended just now.
    }
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  await launched.exited;
  signal.removeEventListener('abort', abort);
  const failure = launched.memory.failure();
  const exitCode = exitCodeIn(launched.memory.read(birth.pair.status));
  launched.close();
  signal.throwIfAborted();
  if (failure !== undefined) throw startError(stepFailed(birth.plan, failure.step, failure.errno));
  return exitCode;
}

async function read(
  stream: ReadableStream<Uint8Array> | undefined,
  name: 'stdout' | 'stderr',
  run: RunSpec,
): Promise<void> {
  if (stream === undefined) return;
  for await (const chunk of stream) run.onOutput(name, chunk);
}

function networkMode(text: string): RunOptions['network'] {
  return text === 'host' || text === 'none' ? text : 'bridge';
}

/** Where the variables of TLS libraries that name a file of certificates point to inside. */
const AUTHORITIES = '/dev/.certificates.pem';

/**
 * The host's own certificates, where it says that it has some: in `/dev`, which is a tmpfs of the
 * container, so that nothing of them stays in the layer.
 */
function authorityMounts(): { mounts: Mount[]; env: string[] } {
  const names = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE'];
  const set = names.filter((name) => existsSync(process.env[name] ?? ''));
  const source = process.env[set[0] ?? ''];
  if (source === undefined) return { mounts: [], env: [] };
  return {
    mounts: [{ destination: AUTHORITIES, type: 'bind', source, options: ['bind', 'ro'] }],
    env: set.map((name) => `${name}=${AUTHORITIES}`),
  };
}
