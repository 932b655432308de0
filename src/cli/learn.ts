import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { LESSONS } from '../../lessons/index.ts';
import { openEngine, settleAll } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import { type PlayedLesson, playLesson } from '../playground/auto.ts';
import { chosen, listed, listing } from '../playground/catalogue.ts';
import { typedCommand } from '../playground/command.ts';
import { followLesson } from '../playground/follow.ts';
import type { Lesson } from '../playground/lesson.ts';
import { paint, textWidth } from '../playground/paint.ts';
import { Progress } from '../playground/progress.ts';
import { resetLesson, runningOf } from '../playground/reset.ts';
import { SILENT, transcript } from '../playground/transcript.ts';
import { type World, worldOf } from '../playground/world.ts';
import { isForPeople, isTerminal, print, standard } from './print.ts';

/** Bundled, this file has no place of its own; the executable lies as deep in the project as we do. */
const HERE = import.meta.dir.startsWith('/$bunfs') ? dirname(process.execPath) : import.meta.dir;
const HOME = resolve(HERE, '../..');
const LESSONS_FOLDER = resolve(HOME, 'lessons');

/** `cloche learn`: the lessons, followed by a learner or played by themselves. */
export function learnCommand(): Command {
  return new Command('learn')
    .description('Learn how containers are made, in lessons that watch the kernel')
    .argument('[lesson...]', 'such as 1_chroot, chroot or 1')
    .option('--auto', 'play the lessons: type every step and check it', false)
    .option(
      '--reset',
      'take away what a lesson has made, and its progress; with --auto before it is played',
      false,
    )
    .option('--json', 'print JSON', false)
    .action(async (names: string[], flags: Flags) => {
      const lessons = chosen(names, LESSONS);
      const engine = openEngine();
      await settleAll(engine);
      const world = worldOf(engine);
      if (flags.auto) process.exitCode = await auto(lessons, world, flags);
      else if (flags.reset) await reset(lessons, world, flags);
      else if (names.length === 0) list(flags);
      else await follow(lessons, world);
    });
}

interface Flags {
  readonly auto: boolean;
  readonly reset: boolean;
  readonly json: boolean;
}

function list(flags: Flags): void {
  const lessons = listed(LESSONS, new Progress());
  if (flags.json) print(`${JSON.stringify(lessons, null, 2)}\n`);
  else {
    const about = { width: room(), command: command() };
    print(`\n${listing(lessons, paint(isForPeople(1)), about)}`);
  }
}

/**
 * Plays lessons in real terminals. A player takes away what it finds, so it begins only where nobody is at
 * work, or was told to with --reset. @returns 0 when everything held, else 1
 *
 * @throws {ClocheError} `LESSON_RUNNING`
 */
async function auto(lessons: readonly Lesson[], world: World, flags: Flags): Promise<number> {
  if (flags.reset) await reset(lessons, world, flags);
  for (const lesson of lessons) await refuseRunning(lesson, world);
  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => cancel.abort());
  const played: PlayedLesson[] = [];
  for (const lesson of lessons) {
    if (cancel.signal.aborted) break;
    played.push(
      await playLesson(lesson, {
        world,
        progress: new Progress(),
        audience: flags.json ? SILENT : transcript(print, paint(isForPeople(1)), room),
        lessons: LESSONS_FOLDER,
        env: process.env,
        signal: cancel.signal,
      }),
    );
  }
  if (flags.json) print(`${JSON.stringify(played, null, 2)}\n`);
  else print(`\n${summary(played, lessons.length)}\n`);
  return played.length === lessons.length && played.every(({ ok }) => ok) ? 0 : 1;
}

async function refuseRunning(lesson: Lesson, world: World): Promise<void> {
  const [name] = await runningOf(lesson, world);
  if (name === undefined) return;
  throw new ClocheError(
    'LESSON_RUNNING',
    `container "${name}" is running, and playing ${lesson.id} would end it with all that is in it`,
    {
      class: 'conflict',
      hint: `end it in its terminal (exit, or Ctrl-C), or say --reset too: ${command()} learn --auto --reset ${lesson.id}`,
    },
  );
}

function summary(played: readonly PlayedLesson[], wanted: number): string {
  const held = played.filter(({ ok }) => ok).length;
  const seconds = played.reduce((sum, one) => sum + one.seconds, 0);
  return `${held} of ${wanted} lessons hold on this machine's kernel, in ${seconds.toFixed(1)} s`;
}

async function follow(lessons: readonly Lesson[], world: World): Promise<void> {
  const { stdin } = process;
  for (const lesson of lessons) {
    const ended = await followLesson(lesson, {
      world,
      progress: new Progress(),
      paint: paint(isForPeople(1)),
      out: print,
      columns,
      command: command(),
      keys: (press) => {
        if (stdin.isTTY === true) stdin.setRawMode(true);
        const hear = (chunk: Buffer) => press(chunk.toString());
        stdin.on('data', hear);
        return () => {
          stdin.off('data', hear);
          stdin.pause();
          if (stdin.isTTY === true) stdin.setRawMode(false);
        };
      },
    });
    if (ended === 'quit') return;
  }
}

/** How it is typed from where the learner stands; npm runs its scripts elsewhere, and says where it was called. */
function command(): string {
  return typedCommand(HOME, process.env.INIT_CWD ?? process.cwd());
}

/** Of the terminal, at this moment. */
function columns(): number | undefined {
  return isTerminal(1) ? standard(1).columns || 80 : undefined;
}

/** As wide as text may be; what is piped on is not broken into lines, so that it can be searched. */
function room(): number {
  const wide = columns();
  return wide === undefined ? Number.POSITIVE_INFINITY : textWidth(wide);
}

async function reset(
  lessons: readonly Lesson[],
  world: World,
  { json }: Pick<Flags, 'json'>,
): Promise<void> {
  const progress = new Progress();
  for (const lesson of lessons) {
    const cleared = await resetLesson(lesson, { world, lessons: LESSONS_FOLDER, progress });
    progress.forget(lesson.id);
    print(`${lesson.id} is as it was: ${cleared}\n`, json ? 2 : 1);
  }
}
