import { ClocheError } from '../error.ts';
import type { ActiveSnapshot } from '../image/index.ts';
import { fullDisk } from '../image/state/disk.ts';
import type { RunOperation, Surroundings } from './graph.ts';
import type { ReadyMount, ReadyMounts } from './mounts/index.ts';
import type { StepProgress } from './progress.ts';

/** One RUN, for whoever can start containers. */
export interface RunSpec {
  /** Its root: mounted while the command runs, and not any more when the promise resolves. */
  readonly snapshot: ActiveSnapshot;
  readonly argv: readonly string[];
  /** `KEY=value`; HOME is left to the executor, which knows the user. */
  readonly env: readonly string[];
  /** Absolute; exists in the root unless the image says otherwise. */
  readonly cwd: string;
  /** `name`, `uid`, `name:group`; '' is root. */
  readonly user: string;
  /** `bridge`, `host`, `none`. */
  readonly network: string;
  readonly surroundings: Surroundings;
  /** In the order in which they are made. */
  readonly mounts: readonly ReadyMount[];
  /** All rights of the machine's root, as `run --privileged`. */
  readonly privileged: boolean;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** When it fires, the command is killed and the promise rejects. */
  readonly signal: AbortSignal;
}

/** Runs a command in a container and waits; resolves to its exit code (128 + signal if killed). */
export type RunCommand = (spec: RunSpec) => Promise<number>;

/** So many of the last lines are repeated when a command fails. */
const TAIL = 20;

/**
 * @param about `root` is the state directory.
 * @throws {ClocheError} `RUN_FAILED`: the command's exit code is not 0; the end of its output is the hint
 */
export async function runStep(
  op: RunOperation,
  about: Pick<RunSpec, 'snapshot' | 'signal'> & {
    readonly root: string;
    readonly run: RunCommand;
    readonly hiddenEnv: readonly string[];
    readonly mounts: ReadyMounts;
    readonly step: StepProgress;
  },
): Promise<void> {
  const tail: string[] = [];
  const say = (line: string) => {
    about.step.output(line);
    tail.push(line);
    if (tail.length > TAIL) tail.shift();
  };
  const lines = { stdout: lineReader(say), stderr: lineReader(say) };
  const code = await about.mounts.during((mounts, env) =>
    about.run({
      snapshot: about.snapshot,
      argv: op.argv,
      env: [...op.env, ...about.hiddenEnv, ...env],
      mounts,
      privileged: op.security === 'insecure',
      cwd: op.cwd,
      user: op.user,
      network: op.network,
      surroundings: op.surroundings ?? {},
      onOutput: (stream, chunk) => lines[stream].push(chunk),
      signal: about.signal,
    }),
  );
  for (const reader of [lines.stdout, lines.stderr]) reader.end();
  if (code === 0) return;
  throw new ClocheError('RUN_FAILED', runFailure(op.argv, code), {
    class: 'invalid-argument',
    hint: hintOf(tail, fullDisk(about.root)),
    details: { exitCode: code, output: tail },
  });
}

function hintOf(tail: readonly string[], full: string | undefined): string | undefined {
  const output = tail.length === 0 ? [] : ['------', ...tail, '------'];
  const lines = full === undefined ? output : [full, ...output];
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** In BuildKit's words. */
export function runFailure(argv: readonly string[], exitCode: number): string {
  return `process "${argv.join(' ')}" did not complete successfully: exit code: ${exitCode}`;
}

/** Cuts chunks into lines; of a line that was rewritten with carriage returns only the last state. */
function lineReader(onLine: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = '';
  const emit = (line: string) => onLine(line.replace(/\r+$/, '').replace(/^.*\r/s, ''));
  return {
    push(chunk: Uint8Array) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) emit(line);
    },
    end() {
      rest += decoder.decode();
      if (rest !== '') emit(rest);
      rest = '';
    },
  };
}
