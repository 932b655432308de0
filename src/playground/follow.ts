import { withCommand } from './command.ts';
import type { Lesson, LessonStep, Memory, Verdict } from './lesson.ts';
import { Page } from './page.ts';
import { filled, type Paint, prose, textWidth } from './paint.ts';
import { keptMemory, type Progress, rememberedBy } from './progress.ts';
import { solutionLines } from './solution.ts';
import { checkStep, lessonRun, stillDone } from './watch.ts';
import type { World } from './world.ts';

/**
 * Follows a learner through a lesson: shows a step, asks the kernel four times a second whether it
 * was done, in whichever terminal, and explains it then. It types nothing and starts nothing.
 *
 * Steps are done within one run of the lesson's container: when the learner starts it anew, they
 * begin again, since what they made is gone. Returns when all steps are done or the learner quits.
 */
export async function followLesson(lesson: Lesson, desk: Desk): Promise<'completed' | 'quit'> {
  return new Follower(lesson, desk).follow();
}

/** What the follower sits at. */
export interface Desk {
  readonly world: World;
  readonly progress: Progress;
  readonly paint: Paint;
  readonly out: (text: string) => void;
  /** Columns of the terminal at this moment; undefined where it is none, and no line is written over. */
  readonly columns: () => number | undefined;
  /** Calls `press` with what the learner types, one key or more; gives back how to stop that. */
  readonly keys: (press: (keys: string) => void) => () => void;
  /** How the learner types the command: `bin/cloche`. */
  readonly command: string;
  /** Milliseconds between two looks; 250 unless told. */
  readonly interval?: number;
}

class Follower {
  private readonly lesson: Lesson;
  private readonly desk: Desk;
  private memory: Memory = new Map();
  private done: string[] = [];
  private run: string | undefined;
  private readonly page: Page;
  private readonly skipped = new Set<string>();
  private step: LessonStep | undefined;
  private hinted = false;
  private quit = false;

  constructor(lesson: Lesson, desk: Desk) {
    this.lesson = lesson;
    this.desk = desk;
    this.page = new Page(desk, desk.paint.dim);
  }

  async follow(): Promise<'completed' | 'quit'> {
    const { paint } = this.desk;
    this.say(`\n${paint.title(`━━ ${this.lesson.id}: ${this.lesson.title}`)}\n`);
    this.tell(this.lesson.intro);
    const keys = paint.dim('keys: h hint, s solution, n next without doing it, q quit');
    this.say(`\n${filled(keys, this.width())}`);
    await this.take(await lessonRun(this.lesson, this.desk.world));
    const stop = this.desk.keys((keys) => this.press(keys));
    try {
      while (!this.quit && this.next() !== undefined) await this.tick();
    } finally {
      stop();
      // Whoever writes next, such as the learner's shell, begins on a line of its own.
      this.page.clear();
    }
    return this.quit ? 'quit' : this.complete();
  }

  /** One look at the kernel. */
  private async tick(): Promise<void> {
    const run = await lessonRun(this.lesson, this.desk.world);
    if (run !== undefined && run !== this.run) {
      if (this.run !== undefined)
        this.say('\n   the playground was started anew: so are the steps');
      await this.take(run);
    }
    const step = this.next();
    if (step === undefined) return;
    if (step !== this.step) this.present(step);
    const verdict = await checkStep(this.lesson, step, this.memory, this.desk.world);
    // A key may have passed over the step meanwhile.
    if (this.quit || step !== this.next()) return;
    if (verdict.ok) this.tickOff(step, verdict);
    else {
      this.page.show(verdict.evidence[0] ?? 'not yet');
      await Bun.sleep(this.desk.interval ?? 250);
    }
  }

  private next(): LessonStep | undefined {
    return this.lesson.steps.find(
      (step) => !this.done.includes(step.id) && !this.skipped.has(step.id),
    );
  }

  /** Takes up the progress that was made in this run of the container. */
  private async take(run: string | undefined): Promise<void> {
    const kept = this.desk.progress.of(this.lesson.id);
    const same = run !== undefined && kept.run === run;
    // Where it was not running yet, what was passed over before belongs to this run.
    if (this.run !== undefined) this.skipped.clear();
    this.run = run;
    this.memory = same ? rememberedBy(kept) : new Map();
    const { lesson, memory, desk } = this;
    this.done = same ? await stillDone(lesson, kept.done, memory, desk.world) : [];
  }

  private present(step: LessonStep): void {
    const { paint } = this.desk;
    this.step = step;
    this.hinted = false;
    const index = this.lesson.steps.findIndex(({ id }) => id === step.id);
    const number = `${index + 1}/${this.lesson.steps.length}`;
    this.say(`\n${paint.bold(`${number} ${step.title}`)}\n`);
    this.tell(step.prose);
    this.say('');
  }

  private tickOff(step: LessonStep, verdict: Verdict): void {
    const { paint } = this.desk;
    for (const fact of verdict.evidence)
      this.say(filled(fact, this.width(), `   ${paint.good('✓')} `));
    this.say('');
    this.tell(step.explanation);
    this.done.push(step.id);
    this.keep();
  }

  private keep(completed?: string): void {
    const before = this.desk.progress.of(this.lesson.id).completed;
    const when = before ?? completed;
    this.desk.progress.keep(this.lesson.id, {
      ...(this.run === undefined ? {} : { run: this.run }),
      done: this.done,
      memory: keptMemory(this.memory),
      ...(when === undefined ? {} : { completed: when }),
    });
  }

  private complete(): 'completed' | 'quit' {
    const { paint } = this.desk;
    const left = this.lesson.steps.length - this.done.length;
    if (left > 0) {
      this.say(`\n   ${left} steps of ${this.lesson.id} were passed over`);
      return 'quit';
    }
    this.keep(new Date().toISOString());
    const whole = `${paint.good(`✓ ${this.lesson.id} is done`)}: ${this.lesson.summary}`;
    this.say(`\n${filled(whole, this.width(), '')}`);
    return 'completed';
  }

  /** More than one key where somebody types faster than is read. */
  private press(keys: string): void {
    // Arrows and other keys that have no letter.
    if (keys.startsWith('\u001b')) return;
    for (const key of keys.toLowerCase()) this.pressOne(key);
  }

  private pressOne(key: string): void {
    const step = this.next();
    if (key === 'q' || key === '\u0003' || key === '\u0004') this.quit = true;
    if (step === undefined || this.quit) return;
    if (key === 'n') this.skipped.add(step.id);
    if (key !== 'h' && key !== 's') return;
    if (step !== this.step) this.present(step);
    if (key === 's' && this.hinted) this.solution(step);
    else this.hint(step);
  }

  private hint(step: LessonStep): void {
    this.hinted = true;
    this.tell(step.hint);
    this.say(`   ${this.desk.paint.dim('s shows the solution')}`);
  }

  private solution(step: LessonStep): void {
    for (const line of solutionLines(step)) this.say(`   ${this.desk.paint.code(line)}`);
  }

  private tell(text: string): void {
    const { paint, command } = this.desk;
    this.say(prose(withCommand(text, command), paint, this.width()));
  }

  private say(text: string): void {
    this.page.say(text);
  }

  private width(): number {
    return textWidth(this.desk.columns());
  }
}
