import { readSync, writeSync } from 'node:fs';
import type { Started } from '../engine/index.ts';
import { explainStep } from '../linux/plan/explain.ts';
import type { Step } from '../linux/plan/index.ts';
import { type Change, changes, type Snapshot, takeSnapshot } from '../linux/proc/index.ts';
import { painted, print } from './print.ts';

/**
 * `run --step`: the birth of a container, call by call. Before each step it is shown with its
 * reason; Enter lets the walker perform it; afterwards what changed in the kernel is read from
 * `/proc`. `c` goes on without stopping, `q` ends it all, and nothing is left behind.
 */
export async function stepThrough(started: Started): Promise<void> {
  const { plan, pid: initPid } = started.ready;
  const { steps } = await plan();
  let free = process.stdin.isTTY !== true;
  let watched: { pid: number; before: Snapshot } | undefined;
  print(painted(1, 2, 'Enter: perform the call · c: go on without stopping · q: quit\n'));
  for await (const index of pauses(started.pauses)) {
    if (watched !== undefined) show(changes(watched.before, takeSnapshot(watched.pid)));
    const step = steps[index];
    if (step === undefined) break;
    const child = Number(started.launched.memory.value(initPid));
    const pid = step.stage === 'shim' || child === 0 ? started.launched.pid : child;
    print(announce(step, index, pid));
    watched = { pid, before: takeSnapshot(pid) };
    if (!free) {
      const key = ask();
      if (key === 'q') {
        // Its child dies with it; the engine clears away.
        process.kill(started.launched.pid, 'SIGKILL');
        return;
      }
      free = key === 'c';
    }
    // The program itself prints from here on; there is nothing to wait for behind it.
    const last = step.call === 'execve';
    writeSync(started.pauses, 'g');
    if (last && steps[index + 1]?.call !== 'execve') return;
  }
}

/** The steps at which the walker waits, as it says them: one u64 each. */
async function* pauses(fd: number): AsyncGenerator<number> {
  let rest = new Uint8Array();
  try {
    for await (const chunk of Bun.file(fd).stream()) {
      rest = Uint8Array.from([...rest, ...chunk]);
      while (rest.length >= 8) {
        yield Number(new DataView(rest.buffer).getBigUint64(0, true));
        rest = rest.slice(8);
      }
    }
  } catch {
    // The walker has ended.
  }
}

function announce(step: Step, index: number, pid: number): string {
  const { call } = explainStep(step, index);
  const who = painted(1, 2, `${index} ${step.stage ?? ''} ${pid}`);
  return `\n${painted(1, 32, `# ${step.why}`)}\n${who}  ${call.length > 240 ? `${call.slice(0, 239)}…` : call}\n`;
}

function show(found: readonly Change[]): void {
  for (const { fact, before, after } of found) {
    const text =
      before === undefined
        ? painted(1, 36, `  + ${fact}: ${after}`)
        : after === undefined
          ? painted(1, 31, `  - ${fact}: ${before}`)
          : painted(1, 33, `  ~ ${fact}: ${before} → ${after}`);
    print(`${text}\n`);
  }
}

/** One line from the terminal; its first letter. */
function ask(): string {
  const bytes = new Uint8Array(256);
  const length = readSync(0, bytes);
  return length === 0
    ? 'q'
    : new TextDecoder().decode(bytes.subarray(0, length)).trim().slice(0, 1);
}
