import { afterAll, afterEach, beforeAll, expect } from 'bun:test';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche as clocheIn, type Ran } from './cli.ts';

export const IMAGE = 'debian:bookworm';

/** Commands over containers in a CLOCHE_ROOT of the test file's own. */
export interface Scene {
  /** Its CLOCHE_ROOT. */
  root(): string;
  cloche(...args: string[]): Promise<Ran>;
  /** A container in the background that sees no network. */
  run(name: string, ...command: string[]): Promise<Ran>;
}

/** Each test removes its own containers, which is looked after. */
export function containerScene(): Scene {
  let base: Awaited<ReturnType<typeof freshBaseRoot>>;
  const cloche = (...args: string[]) => clocheIn(base.root, args);
  beforeAll(async () => {
    base = await freshBaseRoot();
  }, BASE_TIMEOUT);
  afterEach(async () => {
    const left = (await cloche('ps', '-aq')).out.split('\n').filter((id) => id !== '');
    if (left.length > 0) await cloche('rm', '-f', ...left);
    expect(left).toEqual([]);
  });
  afterAll(() => base.remove());
  return {
    root: () => base.root,
    cloche,
    run: (name, ...command) =>
      cloche('run', '-d', '--network', 'none', '--name', name, IMAGE, ...command),
  };
}
