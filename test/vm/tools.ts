import { spawnSync } from 'node:child_process';
import { ClocheError } from '../../src/error.ts';

/** What the host needs, and the Debian package that has it. */
const TOOLS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  mke2fs: 'e2fsprogs',
  debootstrap: 'debootstrap',
};

export type Say = (text: string) => void;

/** The directory for everything that is made once: kernel, disks. Git ignores it. */
export const CACHE = `${process.cwd()}/.cache/vm`;

/**
 * Installs what is missing with apt-get, and says so.
 *
 * @throws {ClocheError} `VM_UNSUPPORTED`: not x86-64; `COMMAND_FAILED`.
 */
export function requireTools(say: Say): void {
  if (process.arch !== 'x64')
    throw new ClocheError('VM_UNSUPPORTED', `no virtual machine for '${process.arch}'`, {
      class: 'unavailable',
      hint: 'Only x86-64 hosts can run these tests: Bun runs natively inside of the machine.',
    });
  const packages = Object.entries(TOOLS).flatMap(([tool, name]) =>
    Bun.which(tool) === null ? [name] : [],
  );
  if (packages.length === 0) return;
  say(`installing ${packages.join(', ')} with apt-get (once)`);
  run(['apt-get', 'update', '-qq']);
  run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages], {
    DEBIAN_FRONTEND: 'noninteractive',
  });
}

/** Runs a command to its end. @returns its stdout. @throws {ClocheError} `COMMAND_FAILED` */
export function run(command: readonly string[], env: Record<string, string> = {}): string {
  const [program = '', ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status === 0) return stdout;
  throw new ClocheError('COMMAND_FAILED', `'${command.slice(0, 4).join(' ')}' failed (${status})`, {
    class: 'unavailable',
    hint: `${stdout}${stderr}`.trim().split('\n').slice(-10).join('\n'),
    cause: error,
  });
}
