import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import {
  abandonContainer,
  type Container,
  createContainer,
  type Engine,
  exitCodeFor,
  openEngine,
  type RunOptions,
  releaseContainer,
  type Started,
  settleAll,
  startContainer,
} from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import type { Platform } from '../image/index.ts';
import { attached, running } from './attached.ts';
import { printError, printLeftover, printWarnings } from './output.ts';
import { print } from './print.ts';
import { imageProgress } from './progress.ts';
import { NOTHING, type RunFlags, runOptionsOf, withRunFlags } from './run-flags.ts';
import { requireTerminal, terminalSize } from './terminal.ts';
import { wordsOf } from './usual-flags.ts';

/** `cloche run`: create a container and start it, in docker's words. */
export async function runCommand(): Promise<Command> {
  const command = await commandOf('run');
  return command
    .description('Create and run a new container from an image')
    .action(async (image: string, command: string[], given: Partial<RunFlags>) => {
      const flags: RunFlags = { ...NOTHING, ...given };
      try {
        process.exitCode = await run(runOptionsOf(image, command, flags), flags);
      } catch (error) {
        printError(error);
        process.exitCode = exitCodeFor(error);
      }
    });
}

/** `cloche create`: as `run`, without the start; what `run` says of that is accepted and waits. */
export async function createCommand(): Promise<Command> {
  const command = await commandOf('create');
  return command
    .description('Create a new container')
    .action(async (image: string, command: string[], given: Partial<RunFlags>) => {
      const flags: RunFlags = { ...NOTHING, ...given };
      const options = asked(image, command, flags);
      if (options === undefined) return;
      const engine = openEngine();
      await settleAll(engine);
      const container = await created(engine, options, flags);
      releaseContainer(engine, container);
      print(`${container.id}\n`);
    });
}

/** What is wrong with flags is docker's 125 for `create`, too, unlike all that goes wrong later. */
function asked(image: string, command: string[], flags: RunFlags): RunOptions | undefined {
  try {
    return runOptionsOf(image, command, flags);
  } catch (error) {
    printError(error);
    process.exitCode = 125;
    return undefined;
  }
}

/** What both of them take, as far as our own words need it. */
function commandOf(name: string): Promise<Command> {
  const command = new Command(name)
    .argument('<image>')
    .argument('[command...]')
    // -h is the host name.
    .helpOption('--help', 'display help for command')
    .passThroughOptions();
  return withRunFlags(command, wordsOf(name));
}

async function run(options: RunOptions, flags: RunFlags): Promise<number> {
  if (options.tty && !options.detach && !flags.explain) requireTerminal();
  const engine = openEngine();
  const container = await unhindered(engine, () => created(engine, options, flags));
  return flags.explain
    ? await explained(engine, container, flags)
    : await performed(engine, container, flags);
}

async function explained(
  engine: Engine,
  container: Container,
  { json }: RunFlags,
): Promise<number> {
  const { printPlan } = await import('./explain.ts');
  try {
    return await printPlan(engine, container, { json, ...sizeFor(container) });
  } finally {
    await abandonContainer(engine, container);
  }
}

const sizeFor = ({ options }: Container) => ({
  terminalSize: options.tty ? terminalSize() : undefined,
});

async function performed(engine: Engine, container: Container, flags: RunFlags): Promise<number> {
  const { options } = container;
  let settled: Promise<unknown> | undefined;
  const begin = async () => {
    const started = await startContainer(engine, container, {
      ...sizeFor(container),
      step: flags.step,
      onLeftover: printLeftover,
    });
    printWarnings(started.warnings);
    // What others have left is cleared away while the kernel makes ours, and not before.
    settled = settleAll(engine, container.id).catch(printError);
    return started;
  };
  try {
    const start = flags.step ? await steppedThrough(begin) : begin;
    if (!options.detach) return await attached(start, { ...options, sigProxy: flags.sigProxy });
    await running(await start());
    print(`${container.id}\n`);
    return 0;
  } finally {
    await settled;
  }
}

/** At its steps Ctrl-C is our end, as at any prompt; signals are for the program when that has begun. */
async function steppedThrough(begin: () => Promise<Started>): Promise<() => Promise<Started>> {
  const { stepThrough } = await import('./step.ts');
  const started = await begin();
  await stepThrough(started);
  return async () => started;
}

/** What killed commands may have left that is in the way of a new container: their names, their bytes. */
const IN_THE_WAY = ['NAME_IN_USE', 'DISK_FULL', 'ADDRESSES_EXHAUSTED'];

/** Does `action`; where something is in the way that can be cleared away, clears it away and does it again. */
async function unhindered<T>(engine: Engine, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ClocheError) || !IN_THE_WAY.includes(error.code)) throw error;
    await settleAll(engine);
    return await action();
  }
}

async function created(engine: Engine, options: RunOptions, flags: RunFlags): Promise<Container> {
  const { cidfile, pull, quiet, link: links, volumesFrom } = flags;
  const progress = quiet ? { end: () => undefined } : imageProgress();
  const about = { ...progress, pull, platform: await platformOf(flags) };
  const whole =
    links.length + volumesFrom.length === 0
      ? options
      : (await import('../engine/start/others.ts')).withOthers(engine, options, {
          links,
          volumesFrom,
        });
  const container = await createContainer(engine, whole, about);
  progress.end();
  try {
    if (cidfile !== undefined) writeFileSync(cidfile, container.id, { flag: 'wx' });
    return container;
  } catch (cause) {
    await abandonContainer(engine, container);
    throw new ClocheError('CIDFILE_INVALID', `cannot write the container ID file '${cidfile}'`, {
      class: 'invalid-argument',
      hint: 'another container may have it: delete it, if that one is gone',
      cause,
    });
  }
}

async function platformOf({ platform }: RunFlags): Promise<Platform | undefined> {
  if (platform === undefined) return undefined;
  const { parsePlatform } = await import('../image/registry/platform.ts');
  return parsePlatform(platform);
}
