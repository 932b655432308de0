import { call, flags, type Label, label, result, type Step } from '../../linux/plan/index.ts';
import type { Process } from '../spec.ts';
import { executeSteps } from './process.ts';

const EACCES = 13;
const X_OK = 1;

/**
 * Looks for the program where `execve` will, as the user that it will have: a `create` of one that is not
 * there fails, and not the `start` after it. The last try's errno is the answer, as with execve. A filter that
 * is loaded already may forbid the question; then the answer has to wait.
 */
export function lookupSteps(process: Process): Step[] {
  const found: Label = { name: 'found' };
  const tries = executeSteps(process);
  const name = process.args?.[0] ?? '';
  const steps = tries.flatMap(({ args: [file = 0] }, i) => {
    const next: Label = { name: 'next place' };
    const isLast = i === tries.length - 1;
    const directory = result('directory');
    const why = `find the program ${name}`;
    const open = flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
    return [
      call('faccessat', [flags('AT_FDCWD'), file, X_OK], why, {
        ...(isLast
          ? { tolerate: ['EPERM', 'ENOSYS'] as const }
          : { jump: { on: 'negative' as const, to: next } }),
      }),
      call('openat', [flags('AT_FDCWD'), file, open], 'it is no directory, is it?', {
        save: directory,
        jump: { on: 'negative', to: found },
      }),
      call('close', [directory], 'it is', { pause: false }),
      isLast ? call('value', [-EACCES], why) : label(next, 'the next place of PATH'),
    ];
  });
  return [...steps, label(found, `${name} is there`)];
}
