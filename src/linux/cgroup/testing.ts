import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { perform } from '../perform.ts';
import { plan, type Step } from '../plan/index.ts';
import { type Cgroup, openCgroup } from './cgroup.ts';
import type { Hierarchies } from './detect.ts';
import { prepareParent } from './prepare.ts';
import type { LinuxResources } from './resources.ts';
import { type CgroupSteps, cgroupSteps } from './steps.ts';

/**
 * A cgroup of a name of its own below a parent of its own, made by the steps, for one test; both
 * are removed with `await using`, whatever the test did to them.
 */
export async function testCgroup(
  detected: Hierarchies,
  resources: LinuxResources,
): Promise<TestCgroup> {
  const parent = `/cloche-test-${process.pid}-${randomBytes(4).toString('hex')}`;
  const hierarchies = prepareParent(detected, parent);
  const cleanUp = async () => {
    const whole = openCgroup(hierarchies, parent);
    await whole.kill();
    await whole.remove();
  };
  try {
    const steps = cgroupSteps(hierarchies, `${parent}/one`, resources);
    await performSteps('create', steps.create);
    const cgroup = openCgroup(hierarchies, `${parent}/one`);
    return { cgroup, parent, hierarchies, steps, [Symbol.asyncDispose]: cleanUp };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

export interface TestCgroup extends AsyncDisposable {
  readonly cgroup: Cgroup;
  readonly parent: string;
  readonly hierarchies: Hierarchies;
  readonly steps: CgroupSteps;
}

export async function performSteps(name: string, steps: readonly Step[]): Promise<void> {
  await perform(plan(name, steps));
}

/** A shell command that runs in the cgroup from its first moment on. */
export function runIn({ cgroup }: TestCgroup, script: string): Run {
  const procs = [...cgroup.directories.values()].map((at) => `${at}/cgroup.procs`);
  const join = 'for procs in "$@"; do echo 0 > "$procs"; done';
  const child = spawn('sh', ['-c', `${join}; ${script}`, 'sh', ...procs], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
  return { child, ended, output: () => output };
}

export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Stdout and stderr so far. */
  output(): string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Resolves when it is so; fails after thirty seconds. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !isSo(); await Bun.sleep(10))
    if (Date.now() > end) throw new Error(`after thirty seconds still not: ${what}`);
}
