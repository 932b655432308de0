import type { Launched } from '../../linux/launch.ts';
import { launch } from '../../linux/launch-plan.ts';
import { perform } from '../../linux/perform.ts';
import { call, flags, mode, plan, text } from '../../linux/plan/index.ts';
import { exitCodeIn } from '../../linux/signals.ts';
import { type ContainerPlan, containerPlan } from '../birth/container.ts';
import {
  type BirthOptions,
  type Bundle,
  birthOfBundle,
  cgroupPathOf,
  readBundle,
  rootfsOf,
} from './bundle.ts';
import { abandon, claim, claimGroup, release } from './claim.ts';
import { ownFds } from './fds.ts';
import { type CreateOptions, follow } from './follow.ts';
import { withHome } from './home.ts';
import { runHooks, runHooksAnyway } from './hooks.ts';
import { ioOf } from './io.ts';
import { noteLate, outcomePath } from './outcome.ts';
import { fifoPath, noteSpec, stateOf } from './state.ts';

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
  const [fifo, outcome] = [fifoPath(options.root, id), outcomePath(directory)];
  try {
    await makeFifos(fifo, outcome);
    const about = { io, startFifo: fifo, outcomeFifo: outcome, bound: false };
    const { birth, launched } = await begin(id, bundle, options, about);
    noteLate(directory, birth, bundle.spec.process?.args ?? []);
    await follow(id, bundle, options, birth, launched, 'c');
    await launched.exited;
    release(options.root, id);
  } catch (error) {
    throw await abandoned(error, id, options);
  }
}

/** Looks up what it depends on, writes down what later commands will ask for, and starts its walker. */
async function begin(
  id: string,
  bundle: Bundle,
  { root, preserveFds, onWarnings }: CreateOptions,
  about: BirthOptions,
): Promise<{ readonly birth: ContainerPlan; readonly launched: Launched }> {
  const { path, spec } = bundle;
  const process = spec.process && (await withHome(spec.process, rootfsOf(path, spec)));
  const whole = { path, spec: { ...spec, process } };
  const birth = containerPlan(await birthOfBundle(id, whole, { ...about, preserveFds }));
  claimGroup(root, id, cgroupPathOf(bundle.spec, id));
  noteSpec(root, id, bundle.spec);
  onWarnings?.(birth.warnings);
  return { birth, launched: launch(birth.plan, { control: true, extraFds: ownFds(preserveFds) }) };
}

/** Where `start` gives its sign, and where it hears how it went. */
async function makeFifos(...paths: readonly string[]): Promise<void> {
  const steps = paths.map((path) =>
    call('mknodat', [flags('AT_FDCWD'), text(path), mode(0o010600), 0], `between start and init`),
  );
  await perform(plan('fifos', steps));
}

/** Creates and starts in one go, attached. @returns the exit code */
export async function run(id: string, options: CreateOptions): Promise<number> {
  const bundle = readBundle(options.bundle);
  const io = ioOf(bundle.spec.process, options, 'terminal');
  await claim(options.root, id);
  try {
    const { birth, launched } = await begin(id, bundle, options, { io, bound: true });
    const record = await follow(id, bundle, options, birth, launched, 's');
    options.onStarted?.(record.pid);
    await runHooks(bundle.spec.hooks?.poststart, stateOf(options.root, record));
    await launched.exited;
    await abandoned(undefined, id, options);
    const state = stateOf(options.root, record);
    await runHooksAnyway(bundle.spec.hooks?.poststop, state, options.onWarnings);
    return exitCodeIn(launched.memory.read(birth.pair.status));
  } catch (error) {
    throw await abandoned(error, id, options);
  }
}

/** Clears away after `error`, which is what matters; what cannot be cleared away is said beside it. */
async function abandoned(
  error: unknown,
  id: string,
  { root, onWarnings }: CreateOptions,
): Promise<unknown> {
  try {
    await abandon(root, id);
  } catch (leftover) {
    onWarnings?.([`${(leftover as Error).message}; the next command tries again`]);
  }
  return error;
}
