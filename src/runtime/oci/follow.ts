import { writeSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { type Launched, words } from '../../linux/launch.ts';
import { stepFailed } from '../../linux/perform.ts';
import { readStat } from '../../linux/proc/index.ts';
import type { ContainerPlan } from '../birth/container.ts';
import { type Bundle, cgroupPathOf, rootfsOf } from './bundle.ts';
import { runHooks } from './hooks.ts';
import { hookFailure, tellHooks } from './inner-hooks.ts';
import { listenerError, tellAgent } from './listener.ts';
import { writePidFile } from './pid-file.ts';
import { programError } from './program.ts';
import { type Record, stateOf, writeRecord } from './state.ts';

/** What `create` and `run` can be told. */
export interface CreateOptions {
  /** Where containers are written down. */
  readonly root: string;
  readonly bundle: string;
  readonly pidFile?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly preserveFds?: number | undefined;
  /** Told when the program of `run` has begun, by the pid that it has here. */
  readonly onStarted?: ((pid: number) => void) | undefined;
  /** Told what the config asks for and this machine or this runtime cannot give. */
  readonly onWarnings?: ((warnings: readonly string[]) => void) | undefined;
}

/** Watches a birth until the shim says `word`, running the hooks on the way; writes down who init is. */
export async function follow(
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
      rootfs: rootfsOf(path, spec),
      annotations: spec.annotations ?? {},
      pid,
      pidStart: String(readStat(pid)?.startTime ?? ''),
      created: new Date().toISOString(),
      cgroup: cgroupPathOf(spec, id),
      bound: word === 's',
    };
  };
  const creating = () => ({ ...stateOf(root, recordNow()), status: 'creating' as const });
  let record: Record | undefined;
  try {
    for await (const said of words(launched.control)) {
      if (said === 'n') {
        const state = creating();
        await runHooks(
          [...(spec.hooks?.prestart ?? []), ...(spec.hooks?.createRuntime ?? [])],
          state,
        );
        tellHooks(birth, launched, state);
        writeSync(launched.control, 'g');
      }
      if (said === 'l' && birth.listener !== undefined) {
        const state = creating();
        tellAgent(launched, birth.listener, state.pid, state);
        writeSync(launched.control, 'g');
      }
      if (said === word) {
        record = recordNow();
        writeRecord(root, record);
        writePidFile(pidFile, record.pid);
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
    throw error;
  }
  await launched.exited;
  const failure = launched.memory.failure();
  const hook = hookFailure(birth, launched);
  if (hook !== undefined) throw hook;
  if (failure === undefined) throw new ClocheError('WALKER_DIED', `the shim of '${id}' was killed`);
  const failed = stepFailed(birth.plan, failure.step, failure.errno);
  throw programError(listenerError(failed, birth.listener), spec.process?.args);
}
