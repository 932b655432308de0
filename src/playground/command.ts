import { existsSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * How the learner types the command: `cloche` where PATH leads to ours, else the path to `bin/cloche` in
 * the project's folder `home` from where they stand, or the whole one where that is no shorter.
 */
export function typedCommand(home: string, cwd: string, path = process.env.PATH ?? ''): string {
  const ours = join(home, 'bin/cloche');
  const found = path
    .split(':')
    .map((folder) => join(folder, 'cloche'))
    .find((file) => existsSync(file));
  if (found !== undefined && existsSync(ours) && realpathSync(found) === realpathSync(ours))
    return 'cloche';
  const near = relative(cwd, ours);
  return near.length < ours.length ? near : ours;
}

/**
 * The texts of lessons call the command `cloche`; this is the same text with what is to be typed:
 * `command` for the follower's terminal, and the rest in the lesson's folder, where the learner works.
 */
export function withCommand(text: string, command: string): string {
  const inLesson = command === 'cloche' ? command : '../../bin/cloche';
  return text.replace(
    /(`|\n {2,})cloche (\w+)/g,
    (_, before: string, name: string) =>
      `${before}${name === 'learn' ? command : inLesson} ${name}`,
  );
}
