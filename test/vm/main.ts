import { ClocheError } from '../../src/error.ts';
import { makeDisks } from './disks.ts';
import { kernelFor } from './kernel.ts';
import { boot, type Mode } from './machine.ts';
import { requireTools } from './tools.ts';

/** What is proved by default: the whole cgroup driver. An emulated machine takes its time. */
const DEFAULT_COMMAND = [
  ...['node_modules/bun/bin/bun.exe', 'test', '--timeout', '120000', 'src/linux/cgroup'],
];

/**
 * `bin/test-vm [--cgroups v2|hybrid|v1] [--state DIRECTORY] [command…]`: makes what the virtual
 * machine needs (kept in `.cache/vm`), boots it, runs the command in it and ends with the command's
 * exit code; 125 when the machine itself did not come to that.
 */
async function main(args: readonly string[]): Promise<number> {
  const { cgroups, state, command } = readArguments(args);
  requireTools(say);
  const kernel = kernelFor(say);
  const disks = await makeDisks(kernel, command, state, say);
  try {
    return await boot(kernel, disks, cgroups, say);
  } finally {
    disks.remove();
  }
}

interface Arguments {
  readonly cgroups: Mode;
  readonly state: string | undefined;
  readonly command: readonly string[];
}

/** Our options come first; from the first other word on it is the command. */
function readArguments(args: readonly string[]): Arguments {
  const [name = '', value = '', ...rest] = args;
  if (name === '--cgroups') return { ...readArguments(rest), cgroups: modeOf(value) };
  if (name === '--state') return { ...readArguments(rest), state: value };
  const command = name === '--' ? args.slice(1) : args;
  const chosen = command.length === 0 ? DEFAULT_COMMAND : command;
  return { cgroups: 'v2', state: undefined, command: chosen };
}

function modeOf(value: string): Mode {
  if (value === 'v2' || value === 'hybrid' || value === 'v1') return value;
  throw new ClocheError('VM_OPTION_INVALID', `'${value}' is no mode of cgroups`, {
    class: 'invalid-argument',
    hint: 'Write --cgroups v2, --cgroups hybrid or --cgroups v1.',
  });
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
