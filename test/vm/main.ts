import { ClocheError } from '../../src/error.ts';
import { makeDisks } from './disks.ts';
import { kernelFor } from './kernel.ts';
import { boot } from './machine.ts';
import { requireTools } from './tools.ts';

/** What is proved by default: the whole cgroup driver, on a kernel where everything is v2. */
const DEFAULT_COMMAND = ['node_modules/bun/bin/bun.exe', 'test', 'src/linux/cgroup'];

/**
 * `bin/test-vm [--state DIRECTORY] [command…]`: makes what the virtual machine needs (kept in
 * `.cache/vm`), boots it, runs the command in it and ends with the command's exit code; 125 when
 * the machine itself did not come to that.
 */
async function main(args: readonly string[]): Promise<number> {
  const { state, command } = readArguments(args);
  requireTools(say);
  const kernel = kernelFor(say);
  const disks = await makeDisks(kernel, command, state, say);
  try {
    return await boot(kernel, disks, say);
  } finally {
    disks.remove();
  }
}

/** Everything after our own option is the command. */
function readArguments(args: readonly string[]) {
  const state = args[0] === '--state' ? args[1] : undefined;
  const rest = state === undefined ? args : args.slice(2);
  const command = rest[0] === '--' ? rest.slice(1) : rest;
  return { state, command: command.length === 0 ? DEFAULT_COMMAND : command };
}

function say(text: string) {
  console.error(`vm: ${text}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ClocheError)) throw error;
  say(error.message);
  if (error.hint !== undefined) console.error(error.hint);
  process.exitCode = 125;
}
