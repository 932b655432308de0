import type { LessonStep, TerminalName, Typed } from './lesson.ts';

const WHERE: Readonly<Record<TerminalName, string>> = {
  a: 'first terminal',
  b: 'second terminal',
  host: 'a terminal on the host',
};

/** What to type, and where: `first terminal: ./tail.sh`. */
export function solutionLines(step: LessonStep): string[] {
  return step.solution.map((typed) => `${WHERE[typed.terminal]}: ${keyOrLine(typed)}`);
}

/** How a key or a line is written for people. */
export function keyOrLine(typed: Typed): string {
  return typed.control === undefined ? typed.line : `Ctrl-${typed.control.toUpperCase()}`;
}
