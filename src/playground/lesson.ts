import type { Playground } from './observe/playground.ts';
import type { Workshop } from './observe/workshop.ts';

/**
 * A lesson is data: steps with prose, what to type, and a check that looks at what is there.
 *
 * A check never sees what was typed: however the learner got there, there is what counts.
 */
export type Lesson = PlaygroundLesson | WorkshopLesson;

interface AboutLesson {
  /** The folder's name under `lessons/`: `1_chroot`. */
  readonly id: string;
  readonly title: string;
  /** What one will have understood afterwards; one sentence, for the list. */
  readonly summary: string;
  readonly intro: string;
}

/** A lesson that is done inside of one container; its checks ask the kernel what is in there. */
export interface PlaygroundLesson extends AboutLesson {
  /** The container's name, the lesson's own. */
  readonly container: string;
  readonly steps: readonly LessonStep<Look>[];
}

/** A lesson that builds images and runs them; its checks ask the store, the kernel and the network. */
export interface WorkshopLesson extends AboutLesson {
  readonly makes: Makes;
  readonly steps: readonly LessonStep<WorkshopLook>[];
}

/** What a workshop lesson makes, and a reset takes away. */
export interface Makes {
  /** Names of images; containers of the lesson are named alike. */
  readonly images: readonly string[];
  /** Files in the lesson's folder. */
  readonly files: readonly string[];
  /** RUNs, as directory and command, that a reset makes the build cache forget: they run anew. */
  readonly forgets?: RegExp;
}

/** Three terminals: the host's, run.sh's and attach.sh's. The latter two begin as shells on the host. */
export type TerminalName = 'host' | 'a' | 'b';

export interface LessonStep<L = never> {
  /** Unique in its lesson, stable: progress on disk names it. */
  readonly id: string;
  readonly title: string;
  /** What to do and why; paragraphs with `code`. */
  readonly prose: string;
  /** What the solution types, in order; the auto-player types it, the learner is shown it. */
  readonly solution: readonly Typed[];
  readonly check: Check<L>;
  readonly hint: string;
  /** What it meant, told after it was done. */
  readonly explanation: string;
  /** Seconds that the check may take to hold after the last line was typed; 10 unless told. */
  readonly patience?: number;
}

/** A line that is typed into a terminal, with Enter. */
export interface Typed {
  readonly terminal: TerminalName;
  readonly line: string;
  /**
   * What the screen must show afterwards: a promise of the prose, proved by the auto-player. Without
   * `stays` the prompt must come back too.
   */
  readonly see?: RegExp;
  /** The command holds the terminal (`tail -f`): the step goes on without a new prompt. */
  readonly stays?: boolean;
  /** Seconds until the prompt, or `see`, must be there; 20 unless told. */
  readonly within?: number;
  /** A key instead of a line: Control and this letter. */
  readonly control?: string;
}

export type Check<L> = (look: L) => Verdict | Promise<Verdict>;

/** What a check of a playground lesson may look at. */
export interface Look {
  readonly playground: Playground;
  /** What earlier steps of this lesson saw and later ones need, e.g. the pid that was to be killed. */
  readonly memory: Memory;
}

/** What a check of a workshop lesson may look at. */
export interface WorkshopLook {
  readonly workshop: Workshop;
  readonly memory: Memory;
}

export type Memory = Map<string, number | string>;

/** Done, with what the kernel showed; or not yet, with what is still missing. */
export interface Verdict {
  readonly ok: boolean;
  /** When done: facts read from the kernel, one a line. When not: what is missing, then facts. */
  readonly evidence: readonly string[];
}

export function done(...evidence: readonly string[]): Verdict {
  return { ok: true, evidence };
}

export function notYet(...missing: readonly string[]): Verdict {
  return { ok: false, evidence: missing };
}

/** A line for a terminal: `a('./tail.sh', { stays: true })`. */
function typing(terminal: TerminalName) {
  return (line: string, about: Omit<Typed, 'terminal' | 'line'> = {}): Typed => ({
    terminal,
    line,
    ...about,
  });
}

export const a = typing('a');
export const b = typing('b');
