import type { Audience, PlayedLesson, PlayedStep } from './auto.ts';
import type { Lesson, LessonStep, TerminalName } from './lesson.ts';
import type { Paint } from './paint.ts';

/**
 * A played lesson for a person, as it happens: what the terminals show, line by line, then what the
 * kernel said. The lines of a terminal are marked with its name.
 */
export function transcript(out: (text: string) => void, paint: Paint): Audience {
  let current: LessonStep | undefined;
  const say = (text = '') => out(`${text}\n`);
  return {
    lessonBegins(lesson: Lesson): void {
      say();
      say(paint.title(`━━ ${lesson.id}: ${lesson.title}`));
      say(`   ${lesson.summary}`);
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
        say(paint.dim(`   before: ${fact}`));
      if (played.ok)
        for (const fact of played.after?.evidence ?? []) say(`   ${paint.good('✓')} ${fact}`);
      else for (const fact of failure(played)) say(`   ${paint.bad('✗')} ${fact}`);
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
