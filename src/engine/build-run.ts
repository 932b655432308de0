import { existsSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { RunCommand, RunSpec } from '../build/index.ts';
import { temporaryPath } from '../image/index.ts';
import { cgroupSteps } from '../linux/cgroup/index.ts';
import { launch } from '../linux/launch.ts';
import { stepFailed } from '../linux/perform.ts';
import { exitCodeIn } from '../linux/signals.ts';
import { containerPlan, type Mount } from '../runtime/index.ts';
import { buildMounts } from './build-mounts.ts';
import { CGROUP_PARENT, type Engine } from './engine.ts';
import { startError } from './errors.ts';
import { etcMounts, kindOf } from './files.ts';
import { watchStubs } from './mount-stubs.ts';
import { attach } from './network.ts';
import { DEFAULT_OPTIONS, type RunOptions } from './options.ts';
import { seccompOf } from './seccomp.ts';
import { specOf } from './spec.ts';
import { identityOf } from './users.ts';

/** How the builder runs a RUN: in a container of the active snapshot that ends with it. */
export function runCommandOf(engine: Engine): RunCommand {
  return async (run) => {
    // Its name says whose it is, so that what a killed build leaves can be told from the living.
    const scratch = temporaryPath(engine.store);
    const id = scratch.slice(scratch.lastIndexOf('/') + 1);
    mkdirSync(`${scratch}/rootfs`, { recursive: true });
    try {
      return await runIn(engine, run, id, scratch);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  };
}

async function runIn(engine: Engine, run: RunSpec, id: string, scratch: string): Promise<number> {
  const { snapshot } = run;
  const options: RunOptions = {
    ...DEFAULT_OPTIONS,
    image: 'build',
    hostname: 'buildkitsandbox',
    env: [...run.env],
    user: run.user,
    workdir: run.cwd,
    network: networkMode(run.network),
    privileged: run.privileged,
  };
  const network = await attach(engine, { id, options });
  const authorities = authorityMounts();
  const own = await buildMounts(scratch, run.mounts);
  const spec = specOf(options, {
    id,
    config: { Env: authorities.env },
    identity: identityOf([snapshot.upper, ...snapshot.lower], run.user),
    argv: run.argv,
    ownCapabilities: engine.machine.capabilities,
    mounts: [
      ...etcMounts(scratch, { id, options, address: network.address }),
      ...authorities.mounts,
      ...own.mounts,
    ],
  });
  const clearStubs = watchStubs(
    engine.store,
    snapshot,
    (spec.mounts ?? []).map(({ destination }) => destination),
  );
  const birth = containerPlan({
    id: `build ${id.slice(-12)}`,
    spec,
    root: { kind: 'overlay', ...snapshot, at: `${scratch}/rootfs` },
    machine: engine.machine,
    sourceKind: kindOf,
    walkerSize: engine.walkerSize,
    cgroup: cgroupSteps(engine.hierarchies, `${CGROUP_PARENT}/${id}`, spec.linux?.resources ?? {}),
    network: network.steps,
    seccomp: seccompOf(options, spec.process?.capabilities?.bounding ?? []),
    io: { kind: 'inherit' },
    bound: true,
  });
  const launched = launch(birth.plan, { stdio: ['ignore', 'pipe', 'pipe'], control: true });
  const abort = () => {
    const pid = Number(launched.memory.value(birth.pair.pid));
    process.kill(pid > 0 ? pid : launched.pid, 'SIGKILL');
  };
  run.signal.addEventListener('abort', abort);
  const pumped = launched.output.map((stream, i) =>
    read(stream, i === 0 ? 'stdout' : 'stderr', run),
  );
  await launched.exited;
  await Promise.all(pumped);
  run.signal.removeEventListener('abort', abort);
  own.close();
  clearStubs();
  const failure = launched.memory.failure();
  const exitCode = exitCodeIn(launched.memory.read(birth.pair.status));
  launched.close();
  run.signal.throwIfAborted();
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
