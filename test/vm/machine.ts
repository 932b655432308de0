import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ClocheError } from '../../src/error.ts';
import type { Disks } from './disks.ts';
import type { Kernel } from './kernel.ts';
import type { Say } from './tools.ts';

/** Seconds after which a machine that still runs is taken for hung. */
const PATIENCE = 15 * 60;

/** What is mounted below `/sys/fs/cgroup` in the machine. */
export type Mode = 'v2' | 'hybrid' | 'v1';

/**
 * Boots the kernel on the disks, passes on what the command prints, and waits for the end. The
 * processor is emulated (two of them, 2 GiB), so it works wherever qemu does; the boot takes some
 * seconds.
 *
 * @returns the command's exit code.
 * @throws {ClocheError} `VM_DIED`: the machine ended or hung before the command did; the hint has
 *   the kernel's last words.
 */
export async function boot(kernel: Kernel, disks: Disks, cgroups: Mode, say: Say): Promise<number> {
  say(`booting ${kernel.release} with cgroups in mode ${cgroups}`);
  // The machine ends with us, even when we are killed.
  const command = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...machine(kernel, disks, cgroups)];
  const qemu = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => qemu.kill('SIGKILL');
  const timer = setTimeout(stop, PATIENCE * 1000);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const complaints: string[] = [];
  qemu.stderr.on('data', (data: Buffer) => complaints.push(data.toString()));
  const code = await passOn(qemu.stdout);
  clearTimeout(timer);
  if (code !== undefined) return code;
  const lastWords = readFileSync(disks.log, 'utf8').trim().split('\n').slice(-20).join('\n');
  throw new ClocheError('VM_DIED', 'the virtual machine ended before the command', {
    class: 'unavailable',
    hint: `${complaints.join('')}${lastWords}`,
  });
}

function machine(kernel: Kernel, { paths, log }: Disks, cgroups: Mode): string[] {
  const drives = paths.flatMap((file, i) => [
    ...['-drive', `file=${file},if=none,id=disk${i},format=raw,snapshot=on`],
    ...['-device', `nvme-ns,drive=disk${i},bus=disks,nsid=${i + 1}`],
  ]);
  const words = [
    'root=/dev/nvme0n1',
    'rw',
    'init=/init',
    'console=ttyS0',
    'panic=-1',
    `cgroups=${cgroups}`,
  ];
  return [
    ...['-accel', process.env.CLOCHE_VM_ACCEL ?? 'tcg', '-cpu', 'max', '-smp', '2', '-m', '2048'],
    ...['-kernel', kernel.image, '-append', words.join(' ')],
    ...['-device', 'nvme,id=disks,serial=cloche', ...drives],
    ...['-serial', `file:${log}`, '-serial', 'stdio'],
    ...['-display', 'none', '-monitor', 'none', '-nic', 'none', '-nodefaults', '-no-reboot'],
  ];
}

/** Writes what comes to stdout, but for the last line, which is the exit code. */
async function passOn(output: AsyncIterable<Buffer>): Promise<number | undefined> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of output) {
    held += decoder.decode(chunk, { stream: true });
    // A line may begin what turns out to be the last one: keep from its newline on.
    const cut = held.lastIndexOf('\n');
    if (cut > 0 && !held.includes('\nvm-exit-code ')) {
      process.stdout.write(held.slice(0, cut));
      held = held.slice(cut);
    }
  }
  const [rest = '', code] = held.split('\nvm-exit-code ');
  process.stdout.write(rest);
  return code === undefined ? undefined : Number(code.trim());
}
