import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { stateRoot } from '../state.ts';
import { z } from '../zod.ts';
import type { Memory } from './lesson.ts';

const LESSON_PROGRESS = z.object({
  /** The run of the lesson's container in which the steps were done; another run starts again. */
  run: z.string().optional(),
  done: z.array(z.string()),
  memory: z.record(z.string(), z.union([z.string(), z.number()])),
  /** When all steps were done for the first time: ISO 8601. Stays when the steps are done again. */
  completed: z.string().optional(),
});

const PROGRESS = z.object({
  version: z.literal(1),
  lessons: z.record(z.string(), LESSON_PROGRESS),
});

/** How far the learner is in one lesson. */
export type LessonProgress = z.infer<typeof LESSON_PROGRESS>;

export function progressPath(): string {
  return join(stateRoot(), 'learn.json');
}

/** The learner's progress, kept on disk; a file that cannot be read counts as a first day. */
export class Progress {
  private readonly path: string;

  constructor(path: string = progressPath()) {
    this.path = path;
  }

  of(lesson: string): LessonProgress {
    return this.load()[lesson] ?? { done: [], memory: {} };
  }

  /** Replaces the lesson's entry: temporary name, fsync, rename. */
  keep(lesson: string, progress: LessonProgress): void {
    this.save({ ...this.load(), [lesson]: progress });
  }

  /** All steps are to be done again; when they were first done stays known. */
  restart(lesson: string): void {
    const { completed } = this.of(lesson);
    if (completed === undefined) this.forget(lesson);
    else this.keep(lesson, { done: [], memory: {}, completed });
  }

  forget(lesson: string): void {
    const { [lesson]: _, ...others } = this.load();
    this.save(others);
  }

  private load(): Record<string, LessonProgress> {
    try {
      return PROGRESS.parse(JSON.parse(readFileSync(this.path, 'utf8'))).lessons;
    } catch {
      return {};
    }
  }

  private save(lessons: Record<string, LessonProgress>): void {
    mkdirSync(dirname(this.path), { recursive: true });
    const temporary = `${this.path}.${process.pid}`;
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, `${JSON.stringify({ version: 1, lessons }, null, 2)}\n`);
      fsyncSync(file);
      renameSync(temporary, this.path);
    } finally {
      closeSync(file);
      rmSync(temporary, { force: true });
    }
  }
}

/** The memory as it is kept on disk, and back. */
export function rememberedBy(progress: LessonProgress): Memory {
  return new Map(Object.entries(progress.memory));
}

export function keptMemory(memory: Memory): LessonProgress['memory'] {
  return Object.fromEntries(memory);
}
