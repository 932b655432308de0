import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import {
  type Container,
  claimContainer,
  type Engine,
  getContainer,
  isAlive,
  openEngine,
  type Started,
  settleAll,
  startContainer,
} from '../engine/index.ts';
import { removeEnded } from '../engine/life/remove.ts';
import { stopContainer, waitForContainer } from '../engine/life/stop.ts';
import { attach } from './attach.ts';
import { attached, running } from './attached.ts';
import { type StopFlags, withStopFlags } from './flags.ts';
import { printLog } from './logs.ts';
import { forAllNames, forEachName, printLeftover, printWarnings } from './output.ts';
import { print } from './print.ts';
import { requireTerminal, terminalSize } from './terminal.ts';

/** `cloche start`: start containers that were created or have ended, with the files that they left. */
export function startCommand(): Command {
  return new Command('start')
    .description('Start one or more stopped containers')
    .argument('<container...>')
    .option('-a, --attach', 'print its output and wait for its end', false)
    .option('-i, --interactive', 'give it our input', false)
    .action(async (names: string[], flags: { attach: boolean; interactive: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      await forEachName(names, async (name) => {
        const container = getContainer(engine, name);
        if (flags.interactive) process.exitCode = await foreground(engine, container);
        else if (flags.attach) process.exitCode = await followed(engine, container);
        else {
          await background(engine, container);
          print(`${name}\n`);
        }
      });
    });
}

/** `cloche restart`: stop, if it runs, and start. */
export function restartCommand(): Command {
  return withStopFlags(new Command('restart'))
    .description('Restart one or more containers')
    .argument('<container...>')
    .action(async (names: string[], flags: StopFlags) => {
      const engine = openEngine();
      await settleAll(engine);
      await forAllNames(names, async (name) => {
        await stopContainer(engine, name, flags);
        await background(engine, getContainer(engine, name));
      });
    });
}

/** One that runs already is fine, as with docker: then there is nothing that we have started. */
async function background(
  engine: Engine,
  container: Container,
  change: { readonly remove?: boolean } = {},
): Promise<Started | undefined> {
  if (!(await claimed(engine, container))) return undefined;
  const options = { ...container.options, detach: true, ...change };
  const started = await startContainer(engine, { ...container, options }, { again: true });
  printWarnings(started.warnings);
  await running(started);
  return started;
}

/** Waits for others who start it. @returns whether it is left to us; if not, it runs. */
async function claimed(engine: Engine, { id }: Container): Promise<boolean> {
  for (;;) {
    const container = getContainer(engine, id);
    if (isAlive(container)) return false;
    if (claimContainer(engine, container)) return true;
    await sleep(20);
  }
}

/** In the background, while we print its log: it outlives us. */
async function followed(engine: Engine, container: Container): Promise<number> {
  const since = Date.now();
  // With --rm its log would go with it before we have read it, so we remove it ourselves.
  const started = await background(engine, container, { remove: false });
  const code = started?.exited ?? waitForContainer(engine, container.id);
  await printLog(engine, container.id, { follow: true, since });
  // A shim in the background does not keep us alive by itself.
  const awake = setInterval(() => undefined, 1000);
  try {
    return await code;
  } finally {
    clearInterval(awake);
    if (container.options.remove) await removeEnded(engine, container.id);
  }
}

async function foreground(engine: Engine, container: Container): Promise<number> {
  const options = { ...container.options, detach: false, interactive: true };
  if (options.tty) requireTerminal();
  if (!(await claimed(engine, container))) return await attach(engine, container.id);
  const about = {
    again: true,
    terminalSize: options.tty ? terminalSize() : undefined,
    onLeftover: printLeftover,
  };
  return await attached(async () => {
    const started = await startContainer(engine, { ...container, options }, about);
    printWarnings(started.warnings);
    return started;
  }, options);
}
