import { ClocheError } from '../error.ts';
import { suggest } from '../suggest.ts';
import type { Lesson } from './lesson.ts';
import { filled, type Paint } from './paint.ts';
import type { Progress } from './progress.ts';

/**
 * The lessons that `names` mean, in the catalogue's order; all where no name is given. A name is a
 * lesson's id, its number or the rest: `3_namespaces`, `3`, `namespaces`.
 *
 * @throws {ClocheError} `LESSON_UNKNOWN`
 */
export function chosen(names: readonly string[], lessons: readonly Lesson[]): Lesson[] {
  const wanted = names.map((name) => {
    const lesson = lessons.find(({ id }) => [id, ...split(id)].includes(name));
    if (lesson !== undefined) return lesson;
    const known = lessons.flatMap(({ id }) => [id, split(id)[1]]);
    const meant = suggest(name, known);
    const near = lessons.find(({ id }) => meant !== undefined && id.endsWith(meant));
    throw new ClocheError('LESSON_UNKNOWN', `there is no lesson "${name}"`, {
      class: 'not-found',
      hint:
        near === undefined
          ? `the lessons are ${lessons.map(({ id }) => id).join(', ')}`
          : `did you mean ${near.id}?`,
    });
  });
  return wanted.length === 0 ? [...lessons] : lessons.filter((lesson) => wanted.includes(lesson));
}

function split(id: string): [number: string, rest: string] {
  const at = id.indexOf('_');
  return [id.slice(0, at), id.slice(at + 1)];
}

/** A lesson in the list: how far the learner is. */
export interface Listed {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly steps: number;
  readonly done: number;
  readonly completed: string | undefined;
}

export function listed(lessons: readonly Lesson[], progress: Progress): Listed[] {
  return lessons.map((lesson) => {
    const { done, completed } = progress.of(lesson.id);
    const { id, title, summary, steps } = lesson;
    return { id, title, summary, steps: steps.length, done: done.length, completed };
  });
}

/** The list for a person, at most `width` columns wide. `command`: how the learner types `cloche`. */
export function listing(
  list: readonly Listed[],
  brush: Paint,
  { width, command }: { readonly width: number; readonly command: string },
): string {
  const longest = Math.max(...list.map(({ id }) => id.length));
  const lines = list.map((one) => {
    const mark = one.completed === undefined ? (one.done > 0 ? '◐' : '○') : brush.good('●');
    const count = one.completed === undefined ? `${one.done}/${one.steps}` : 'done';
    const head = `${mark} ${brush.bold(one.id.padEnd(longest))}  ${count.padEnd(5)} `;
    return filled(one.summary, width, head);
  });
  const next = list.find(({ completed }) => completed === undefined)?.id ?? list[0]?.id ?? '';
  const typed = [
    [`${command} learn ${next}`, 'follows you through it'],
    [`${command} learn --auto ${next}`, 'plays it'],
  ] as const;
  const room = Math.max(...typed.map(([words]) => words.length)) + 2;
  const hints = typed.map(([words, about]) => filled(about, width, words.padEnd(room)));
  return `${[...lines, '', ...hints].join('\n')}\n`;
}
