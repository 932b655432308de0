import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Lesson, PlaygroundLesson, WorkshopLesson } from './lesson.ts';
import { cgroupFolders } from './observe/cgroup.ts';
import { lookAt, type Playground } from './observe/playground.ts';
import { readProcess } from './observe/process.ts';
import { attempt } from './observe/root.ts';
import type { Progress } from './progress.ts';
import type { World } from './world.ts';

/**
 * Takes away what a lesson made: its containers with all processes, also those that the learner put
 * into namespaces of their own, and the cgroups that were made below the container's; images, and
 * files in its folder. Mounts and namespaces go with the last process that uses them. Its steps count
 * as not done, since what they made is gone. Nothing is done where there is nothing.
 *
 * @param about `lessons`: the folder that holds the lesson's folder.
 * @returns what was ended and taken away, for the screen.
 */
export async function resetLesson(
  lesson: Lesson,
  about: { readonly world: World; readonly lessons: string; readonly progress: Progress },
): Promise<string> {
  about.progress.restart(lesson.id);
  if ('makes' in lesson) return clearWorkshop(lesson, about.world, `${about.lessons}/${lesson.id}`);
  const { processes, cgroups } = await clearPlayground(lesson, about.world);
  return `${processes} processes ended, ${cgroups} cgroups removed`;
}

/** The lesson's containers that run now: somebody may be at work in them. */
export async function runningOf(lesson: Lesson, { containers }: World): Promise<string[]> {
  const names = 'makes' in lesson ? lesson.makes.images : [lesson.container];
  const running = await Promise.all(names.map((name) => containers.find(name)));
  return names.filter((_, at) => running[at] !== undefined);
}

async function clearWorkshop(
  { makes }: WorkshopLesson,
  world: World,
  folder: string,
): Promise<string> {
  for (const name of makes.images) await world.containers.remove(name);
  const images = world.discard(makes);
  for (const file of makes.files) rmSync(join(folder, file), { force: true });
  return `${images} images removed`;
}

async function clearPlayground(
  lesson: PlaygroundLesson,
  { containers }: World,
): Promise<{ readonly processes: number; readonly cgroups: number }> {
  const playground = await lookAt(lesson.container, containers);
  const cgroups = playground === undefined ? [] : madeCgroups(playground);
  await containers.remove(lesson.container);
  if (playground !== undefined) await gone(playground);
  return {
    processes: playground?.processes.length ?? 0,
    cgroups: cgroups.filter((folder) => removeCgroup(folder)).length,
  };
}

/** The cgroups below the container's own, the deepest first. Its own is the engine's to remove. */
function madeCgroups(playground: Playground): string[] {
  const own = cgroupFolders(playground.init.pid).map(({ folder }) => folder);
  const used = playground.processes.flatMap((one) =>
    cgroupFolders(one.pid).map(({ folder }) => folder),
  );
  const made = new Set<string>();
  for (const top of own) {
    // A container without a cgroup of its own is in one with others: only what it uses is its.
    const beside = ownCgroup(top, playground)
      ? below(top)
      : used.filter((one) => one.startsWith(`${top}/`));
    for (const folder of beside) made.add(folder);
  }
  return [...made].sort((x, y) => y.length - x.length);
}

function ownCgroup(folder: string, playground: Playground): boolean {
  const members = attempt(() => readFileSync(join(folder, 'cgroup.procs'), 'utf8')) ?? '';
  const ours = new Set(playground.processes.map(({ pid }) => pid));
  return members
    .split('\n')
    .filter(Boolean)
    .every((pid) => ours.has(Number(pid)));
}

function below(folder: string): string[] {
  const entries = attempt(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name))
    .flatMap((child) => [child, ...below(child)]);
}

function removeCgroup(folder: string): boolean {
  for (let tries = 0; tries < 20; tries++) {
    if (!existsSync(folder)) return false;
    // EBUSY while the last process is on its way out.
    if (attempt(() => rmdirSync(folder) ?? true)) return true;
    Bun.sleepSync(25);
  }
  return false;
}

/** Waits until every process of the playground has ended; at most five seconds. */
async function gone(playground: Playground): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const left = playground.processes.some(
      (one) => readProcess(one.pid)?.startTime === one.startTime,
    );
    if (!left) return;
    await Bun.sleep(50);
  }
}
