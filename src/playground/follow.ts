import type { Lesson, LessonStep, Memory, Verdict } from './lesson.ts';
import { type Paint, prose } from './paint.ts';
import { keptMemory, type Progress, rememberedBy } from './progress.ts';
import { solutionLines } from './solution.ts';
import { checkStep, lessonRun } from './watch.ts';
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
  /** Whether a line may be written over, as on a terminal. */
  readonly live: boolean;
  /** Calls `press` with each key of the learner; gives back how to stop that. */
  readonly keys: (press: (key: string) => void) => () => void;
  /** Milliseconds between two looks; 250 unless told. */
  readonly interval?: number;
}

class Follower {
  private readonly lesson: Lesson;
  private readonly desk: Desk;
  private memory: Memory = new Map();
  private done: string[] = [];
  private run: string | undefined;
  private readonly skipped = new Set<string>();
  private step: LessonStep | undefined;
  private status = '';
  private hinted = false;
  private quit = false;

  constructor(lesson: Lesson, desk: Desk) {
    this.lesson = lesson;
    this.desk = desk;
  }

  async follow(): Promise<'completed' | 'quit'> {
    const { paint } = this.desk;
    this.say(`\n${paint.title(`━━ ${this.lesson.id}: ${this.lesson.title}`)}\n`);
    this.say(prose(this.lesson.intro, paint));
    this.say(`\n   ${paint.dim('keys: h hint, s solution, n next without doing it, q quit')}`);
    this.take(await lessonRun(this.lesson, this.desk.world));
    const stop = this.desk.keys((key) => this.press(key));
    try {
      while (!this.quit && this.next() !== undefined) await this.tick();
    } finally {
      stop();
    }
    return this.quit ? 'quit' : this.complete();
  }

  /** One look at the kernel. */
  private async tick(): Promise<void> {
    const run = await lessonRun(this.lesson, this.desk.world);
    if (run !== undefined && run !== this.run) {
      if (this.run !== undefined)
        this.say('\n   the playground was started anew: so are the steps');
      this.take(run);
    }
    const step = this.next();
    if (step === undefined) return;
    if (step !== this.step) this.present(step);
    const verdict = await checkStep(this.lesson, step, this.memory, this.desk.world);
    if (verdict.ok) this.tickOff(step, verdict);
    else {
      this.show(verdict.evidence[0] ?? 'not yet');
      await Bun.sleep(this.desk.interval ?? 250);
    }
  }

  private next(): LessonStep | undefined {
    return this.lesson.steps.find(
      (step) => !this.done.includes(step.id) && !this.skipped.has(step.id),
    );
  }

  /** Takes up the progress that was made in this run of the container. */
  private take(run: string | undefined): void {
    const kept = this.desk.progress.of(this.lesson.id);
    const same = run !== undefined && kept.run === run;
    this.run = run;
    this.done = same ? [...kept.done] : [];
    this.memory = same ? rememberedBy(kept) : new Map();
    this.step = undefined;
    this.skipped.clear();
  }

  private present(step: LessonStep): void {
    const { paint } = this.desk;
    this.step = step;
    this.hinted = false;
    this.status = '';
    const index = this.lesson.steps.findIndex(({ id }) => id === step.id);
    const number = `${index + 1}/${this.lesson.steps.length}`;
    this.say(`\n${paint.bold(`${number} ${step.title}`)}\n`);
    this.say(prose(step.prose, paint));
    this.say('');
  }

  private tickOff(step: LessonStep, verdict: Verdict): void {
    const { paint } = this.desk;
    this.clear();
    for (const fact of verdict.evidence) this.say(`   ${paint.good('✓')} ${fact}`);
    this.say(`\n${prose(step.explanation, paint)}`);
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
    this.say(`\n${paint.good(`✓ ${this.lesson.id} is done`)}: ${this.lesson.summary}`);
    return 'completed';
  }

  private press(key: string): void {
    const { step } = this;
    if (key === 'q' || key === '\u0003' || key === '\u0004') this.quit = true;
    else if (step === undefined) return;
    else if (key === 'h' || (key === 's' && !this.hinted)) this.hint(step);
    else if (key === 's') this.solution(step);
    else if (key === 'n') this.skipped.add(step.id);
  }

  private hint(step: LessonStep): void {
    this.clear();
    this.hinted = true;
    this.say(prose(`${step.hint}`, this.desk.paint));
    this.say(`   ${this.desk.paint.dim('s shows the solution')}`);
    this.status = '';
  }

  private solution(step: LessonStep): void {
    this.clear();
    for (const line of solutionLines(step)) this.say(`   ${this.desk.paint.code(line)}`);
    this.status = '';
  }

  /** The one line that says what is still missing; written again only when it changes. */
  private show(status: string): void {
    if (status === this.status) return;
    this.clear();
    this.status = status;
    this.desk.out(this.desk.paint.dim(`   … ${status}`) + (this.desk.live ? '' : '\n'));
  }

  private clear(): void {
    if (this.desk.live && this.status !== '') this.desk.out('\r\u001b[K');
    this.status = '';
  }

  private say(text: string): void {
    this.clear();
    this.desk.out(`${text}\n`);
  }
}
