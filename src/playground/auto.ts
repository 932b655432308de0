import { ClocheError } from '../error.ts';
import type { Lesson, LessonStep, Memory, TerminalName, Typed, Verdict } from './lesson.ts';
import type { Progress } from './progress.ts';
import { resetLesson } from './reset.ts';
import { keyOrLine } from './solution.ts';
import { Terminal } from './terminal.ts';
import { checkStep, waitForStep } from './watch.ts';
import type { World } from './world.ts';

/**
 * Plays a lesson: types each step's solution into real terminals and asks the kernel before and
 * after. A step holds when its check said "not yet" before anything was typed, everything that the
 * lesson promises was seen on the screen, and the check says "done" afterwards.
 *
 * Whatever happens, the terminals are closed and the lesson is reset in the end. Nothing is thrown
 * for a lesson that does not hold: the result says so.
 */
export async function playLesson(lesson: Lesson, stage: Stage): Promise<PlayedLesson> {
  const start = performance.now();
  stage.audience.lessonBegins(lesson);
  await resetLesson(lesson, stage);
  const terminals = new Terminals(lesson, stage);
  const steps: PlayedStep[] = [];
  try {
    const memory: Memory = new Map();
    for (const step of lesson.steps) {
      const played = await playStep(lesson, step, memory, terminals, stage);
      steps.push(played);
      if (!played.ok) break;
    }
  } finally {
    await terminals.close();
    await resetLesson(lesson, stage);
  }
  const ok = steps.length === lesson.steps.length && steps.every((step) => step.ok);
  const played = { lesson: lesson.id, ok, seconds: since(start), steps };
  stage.audience.lessonEnds(lesson, played);
  return played;
}

/** Where a lesson is played: what the playground needs from outside. */
export interface Stage {
  readonly world: World;
  readonly audience: Audience;
  /** The learner's: of what a player takes away, no step counts as done any more. */
  readonly progress: Progress;
  /** The folder that holds the lesson's folder. */
  readonly lessons: string;
  /** The environment of the terminals' shells. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Who watches: a person's terminal, or nobody. */
export interface Audience {
  lessonBegins(lesson: Lesson): void;
  stepBegins(step: LessonStep, index: number): void;
  line(terminal: TerminalName, line: string): void;
  stepEnds(step: LessonStep, played: PlayedStep): void;
  lessonEnds(lesson: Lesson, played: PlayedLesson): void;
}

export interface PlayedLesson {
  readonly lesson: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly steps: readonly PlayedStep[];
}

export interface PlayedStep {
  readonly step: string;
  readonly ok: boolean;
  readonly seconds: number;
  /** What the check said before anything was typed. */
  readonly before: Verdict;
  readonly typed: readonly { terminal: TerminalName; line: string; output: string }[];
  /** What the check said afterwards. */
  readonly after: Verdict | undefined;
  readonly error?: Failure;
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly screen: string;
}

async function playStep(
  lesson: Lesson,
  step: LessonStep,
  memory: Memory,
  terminals: Terminals,
  stage: Stage,
): Promise<PlayedStep> {
  const start = performance.now();
  const index = lesson.steps.findIndex(({ id }) => id === step.id);
  stage.audience.stepBegins(step, index);
  const ask = () => checkStep(lesson, step, memory, stage.world);
  const before = await ask();
  const typed: { terminal: TerminalName; line: string; output: string }[] = [];
  let after: Verdict | undefined;
  let error: PlayedStep['error'];
  try {
    if (before.ok) throw heldBefore(step);
    for (const one of step.solution) {
      const output = await terminals.type(one);
      typed.push({ terminal: one.terminal, line: keyOrLine(one), output });
    }
    after = await waitForStep(ask, {
      milliseconds: (step.patience ?? 10) * 1000,
      signal: stage.signal,
    });
  } catch (cause) {
    if (!(cause instanceof ClocheError)) throw cause;
    const { code, message, hint, details } = cause;
    const screen = String(details.screen ?? '');
    error = { code, message, ...(hint === undefined ? {} : { hint }), screen };
  }
  const ok = error === undefined && after?.ok === true;
  const played = { step: step.id, ok, seconds: since(start), before, typed, after };
  const whole = error === undefined ? played : { ...played, error };
  stage.audience.stepEnds(step, whole);
  return whole;
}

/** The terminals of one lesson, opened when they are first typed into. */
class Terminals {
  private readonly open = new Map<TerminalName, Terminal>();
  private readonly lesson: Lesson;
  private readonly stage: Stage;

  constructor(lesson: Lesson, stage: Stage) {
    this.lesson = lesson;
    this.stage = stage;
  }

  async type(typed: Typed): Promise<string> {
    const terminal = this.open.get(typed.terminal) ?? (await this.start(typed.terminal));
    return terminal.type(typed);
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.values()].map((terminal) => terminal.close()));
  }

  private async start(name: TerminalName): Promise<Terminal> {
    const terminal = new Terminal({
      name,
      folder: `${this.stage.lessons}/${this.lesson.id}`,
      // A transcript is made of lines: nothing that draws over itself.
      env: { ...this.stage.env, BUILDKIT_PROGRESS: 'plain' },
      signal: this.stage.signal,
      onLine: (line) => this.stage.audience.line(name, line),
    });
    this.open.set(name, terminal);
    await terminal.ready();
    return terminal;
  }
}

function heldBefore(step: LessonStep): ClocheError {
  return new ClocheError(
    'HELD_BEFORE',
    `the check of step "${step.id}" held before anything was typed, so it proves nothing`,
  );
}

function since(start: number): number {
  return Math.round((performance.now() - start) / 10) / 100;
}
