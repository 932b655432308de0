import type { Audience, PlayedLesson, PlayedStep } from './auto.ts';
import type { Lesson, LessonStep, TerminalName } from './lesson.ts';
import { filled, type Paint } from './paint.ts';

/**
 * A played lesson for a person, as it happens: what the terminals show, line by line, then what the
 * kernel said, broken at `width` columns. The lines of a terminal are marked with its name.
 */
export function transcript(
  out: (text: string) => void,
  paint: Paint,
  width: () => number,
): Audience {
  let current: LessonStep | undefined;
  const say = (text = '') => out(`${text}\n`);
  const tell = (text: string, mark: string) => say(filled(text, width(), `   ${mark} `));
  return {
    lessonBegins(lesson: Lesson): void {
      say();
      say(paint.title(`━━ ${lesson.id}: ${lesson.title}`));
      say(filled(lesson.summary, width()));
    },
    stepBegins(step: LessonStep, index: number): void {
      current = step;
      say();
      say(paint.bold(`${index + 1}. ${step.title}`));
    },
    line(terminal: TerminalName, line: string): void {
      const mark = paint.dim(`   ${terminal.padEnd(4)} │ `);
      const typed = current?.solution.some((one) => one.line !== '' && line.endsWith(one.line));
      say(mark + (typed === true ? paint.bold(line) : line));
    },
    stepEnds(_: LessonStep, played: PlayedStep): void {
      for (const fact of played.before.ok ? [] : played.before.evidence.slice(0, 1))
        tell(paint.dim(fact), paint.dim('before:'));
      if (played.ok) for (const fact of played.after?.evidence ?? []) tell(fact, paint.good('✓'));
      else for (const fact of failure(played)) tell(fact, paint.bad('✗'));
    },
    lessonEnds(lesson: Lesson, played: PlayedLesson): void {
      const count = `${played.steps.filter((step) => step.ok).length} of ${lesson.steps.length} steps`;
      say();
      say(
        played.ok
          ? paint.good(`✓ ${lesson.id} holds: ${count}, ${played.seconds.toFixed(1)} s`)
          : paint.bad(`✗ ${lesson.id} does not hold: ${count}, ${played.seconds.toFixed(1)} s`),
      );
    },
  };
}

/** Nobody watches: for JSON, which is printed at the end. */
export const SILENT: Audience = {
  lessonBegins: () => undefined,
  stepBegins: () => undefined,
  line: () => undefined,
  stepEnds: () => undefined,
  lessonEnds: () => undefined,
};

function failure(played: PlayedStep): string[] {
  if (played.error === undefined) return [...(played.after?.evidence ?? [])];
  const { message, code, hint, screen } = played.error;
  return [
    `${message} (${code})`,
    ...(hint === undefined ? [] : [hint]),
    ...(screen === '' ? [] : ['the screen showed:']),
    ...(screen === '' ? [] : screen.split('\n').map((line) => `  │ ${line}`)),
  ];
}
