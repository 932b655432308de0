import { afterAll, beforeAll } from 'bun:test';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { PROGRAM } from './cli.ts';

/** Builds in a CLOCHE_ROOT of the test file's own, which has `debian:bookworm`. */
export interface BuildScene {
  /** Its CLOCHE_ROOT. */
  root(): string;
  /** A new directory with these files and a Dockerfile. */
  context(dockerfile: string, files?: Readonly<Record<string, string>>): string;
  /** Builds it without a network, and gives what was said of it. */
  build(directory: string, ...flags: string[]): Promise<{ code: number; said: string }>;
  /** The snapshots that there are. */
  layers(): ReadonlySet<string>;
  /** The names at the root of each that was made since, the newest last. */
  newLayers(before: ReadonlySet<string>): string[][];
}

export function buildScene(): BuildScene {
  let base: Awaited<ReturnType<typeof freshBaseRoot>>;
  let contexts = 0;
  const snapshots = () => readdirSync(join(base.root, 'snapshots'));
  beforeAll(async () => {
    base = await freshBaseRoot();
  }, BASE_TIMEOUT);
  afterAll(() => base.remove());
  return {
    root: () => base.root,
    context(dockerfile, files = {}) {
      const directory = join(base.root, `context-${contexts++}`);
      for (const [name, content] of Object.entries({ ...files, Dockerfile: dockerfile })) {
        mkdirSync(dirname(join(directory, name)), { recursive: true });
        writeFileSync(join(directory, name), content);
      }
      return directory;
    },
    async build(directory, ...flags) {
      const child = Bun.spawn(
        [PROGRAM, 'build', '--network=none', '--progress=plain', ...flags, directory],
        { env: { ...process.env, TOKEN_OF_TEST: 'hushed-token' }, stdout: 'pipe', stderr: 'pipe' },
      );
      const said = await new Response(child.stderr).text();
      return { code: await child.exited, said };
    },
    layers: () => new Set(snapshots()),
    newLayers: (before) =>
      snapshots()
        .filter((name) => !before.has(name))
        .map((name) => readdirSync(join(base.root, 'snapshots', name, 'fs')).sort()),
  };
}

/** What commands of RUN printed. */
export function output(said: string): string[] {
  return [...said.matchAll(/^#\d+ \d+\.\d+ (.*)$/gm)].map(([, line]) => line ?? '');
}
