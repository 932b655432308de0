import { expect, test } from 'bun:test';
import { encode } from '../../linux/plan/encode.ts';
import { reaperPlan, reaperSteps } from './reaper.ts';

const PROCESS = {
  user: { uid: 0, gid: 0 },
  cwd: '/',
  args: ['sh', '-c', 'true'],
  env: ['PATH=/bin:/usr/bin'],
};

test('PID 1 can be encoded for both architectures, and looks for the program where PATH says', () => {
  for (const arch of ['x86_64', 'aarch64'] as const)
    expect(encode(reaperPlan(PROCESS), arch).bytes.length).toBeGreaterThan(1000);
  const files = reaperPlan(PROCESS).steps.filter(({ call }) => call === 'execve');
  expect(files).toHaveLength(2);
});

test('what becomes PID 1 keeps nothing of the plan that the shim performs', () => {
  const steps = reaperSteps(PROCESS, 1500);
  expect(steps.at(-1)?.call).toBe('execveat');
  expect(steps.map(({ call }) => call).slice(-3)).toEqual(['write', 'dup3', 'execveat']);
});
