import { join, resolve } from 'node:path';
import { answers, command, say } from './compete.ts';

/** Who builds images; all of them from the same base. */
export interface Builder {
  readonly name: string;
  /** @param context a directory with a Dockerfile in it */
  build(context: string): Promise<void>;
  /** Takes away what is left of it outside of the bench's own directory. */
  remove?(): Promise<void>;
}

/** The base, by a name that nobody else has, and that nobody looks for in a registry. */
export const BASE = 'localhost/cloche-bench';
const RESULT = 'localhost/cloche-bench-result';

const cloche = resolve(import.meta.dir, '../bin/cloche');

/**
 * cloche, and whoever else is installed, each with the base that cloche made in its store; who is
 * not there is said.
 *
 * @param scratch a directory of the bench's own
 */
export async function buildersOf(scratch: string): Promise<Builder[]> {
  const archive = join(scratch, 'base.tar');
  await command(cloche, 'tag', 'debian:bookworm', BASE);
  await command(cloche, 'save', '-o', archive, BASE);
  const all: Builder[] = [
    {
      name: 'cloche',
      build: (context) =>
        command(cloche, 'build', '-q', '--network', 'none', '-t', RESULT, context),
    },
  ];
  for (const open of [docker, buildah]) {
    const one = await open(archive, scratch).catch((error: Error) => say(error.message));
    if (one !== undefined) all.push(one);
  }
  return all;
}

/** With BuildKit, which every daemon since 18.09 has within itself. */
async function docker(archive: string): Promise<Builder> {
  if (Bun.which('docker') === null || !(await answers('docker', 'info')))
    throw new Error(
      'no docker daemon answers; `npm run bench build -- --help` says how to start one for this alone',
    );
  await command('docker', 'load', '-q', '-i', archive);
  const buildkit = ['env', 'DOCKER_BUILDKIT=1', 'docker', 'build', '-q'];
  return {
    name: 'docker',
    build: (context) => command(...buildkit, '--network', 'none', '-t', RESULT, context),
    remove: async () => {
      await command('docker', 'rmi', '-f', BASE, RESULT);
      say('docker keeps its build cache: `docker builder prune` takes it away');
    },
  };
}

/** Its store is the bench's own; its mounts die with a mount namespace of their own. */
async function buildah(archive: string, scratch: string): Promise<Builder> {
  if (Bun.which('buildah') === null)
    throw new Error('buildah is not installed: apt-get install buildah');
  const at = ['--root', join(scratch, 'buildah'), '--runroot', join(scratch, 'buildah-run')];
  const run = (...words: string[]) => command('unshare', '-m', 'buildah', ...at, ...words);
  await run('pull', '-q', `docker-archive:${archive}`);
  // crun, which it would take, refuses hybrid machines.
  const runtime = Bun.which('runc') === null ? [] : ['--runtime', 'runc'];
  const flags = ['--layers', '--pull=false', '--network', 'none', ...runtime];
  return {
    name: 'buildah',
    build: (context) => run('bud', '-q', ...flags, '-t', RESULT, context),
  };
}
