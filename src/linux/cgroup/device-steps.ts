import { block, bytes, call, flags, pointer, type Step, text, value } from '../plan/index.ts';
import { deviceProgram } from './ebpf-devices.ts';
import type { DeviceRule } from './resources.ts';

/**
 * Loads the rules as an eBPF program and attaches it to the v2 cgroup at `directory`, which must
 * exist. The kernel keeps the program for as long as the cgroup lives; no fd stays open.
 *
 * Source: bpf(2).
 */
export function deviceSteps(directory: string, rules: readonly DeviceRule[]): Step[] {
  const program = deviceProgram(rules);
  const load = loadAttributes(program);
  // Both fds are saved right into the second call's attributes, where the kernel reads them.
  const attach = block('attach', [u32(0, 0, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI)]);
  const cgroup = value(attach, 0, 'i32');
  const loaded = value(attach, 4, 'i32');
  const open = flags('O_RDONLY', 'O_DIRECTORY', 'O_CLOEXEC');
  return [
    call('openat', [flags('AT_FDCWD'), text(directory), open], 'whose devices to guard', {
      save: cgroup,
    }),
    call('bpf', [flags('BPF_PROG_LOAD'), pointer(load), load.size], programReason(rules), {
      save: loaded,
    }),
    call(
      'bpf',
      [flags('BPF_PROG_ATTACH'), pointer(attach), attach.size],
      'from now on it is asked whenever a device is opened or made in this cgroup',
    ),
    call('close', [loaded], 'the cgroup holds it now', { pause: false }),
    call('close', [cgroup], 'guarded', { pause: false }),
  ];
}

const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Another program may be attached above, below or beside it; all must allow. */
const BPF_F_ALLOW_MULTI = 2;

function loadAttributes(program: Uint8Array) {
  const instructions = bytes(program, `${program.length / 8} instructions`);
  const name = new Uint8Array(16);
  name.set(new TextEncoder().encode('cloche_devices'));
  return block('program', [
    u32(BPF_PROG_TYPE_CGROUP_DEVICE, program.length / 8),
    instructions,
    text('MIT'), // asks for none of the kernel's GPL-only helpers
    u32(0, 0), // log_level, log_size
    0, // log_buf
    u32(0, 0), // kern_version, prog_flags
    name,
    u32(0, BPF_CGROUP_DEVICE), // prog_ifindex, expected_attach_type
  ]);
}

function programReason(rules: readonly DeviceRule[]): string {
  return `cgroup v2 has no file for devices: ${rules.length} rules as an eBPF program`;
}

function u32(...words: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(words).buffer);
}
