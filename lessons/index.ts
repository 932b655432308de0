import type { Lesson } from '../src/playground/lesson.ts';
import { lesson as chroot } from './1_chroot/lesson.ts';

/** The lessons in their order. */
export const LESSONS: readonly Lesson[] = [chroot];
