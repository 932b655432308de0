import type { Lesson } from '../src/playground/lesson.ts';
import { lesson as chroot } from './1_chroot/lesson.ts';
import { lesson as chrootProblems } from './2_chroot_problems/lesson.ts';
import { lesson as namespaces } from './3_namespaces/lesson.ts';
import { lesson as cgroups } from './4_cgroups/lesson.ts';
import { lesson as dockerfile } from './5_dockerfile/lesson.ts';
import { lesson as tiny } from './6_tiny_containers/lesson.ts';

/** The lessons in their order. */
export const LESSONS: readonly Lesson[] = [
  chroot,
  chrootProblems,
  namespaces,
  cgroups,
  dockerfile,
  tiny,
];
