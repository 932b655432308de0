import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import type { DeviceRule } from '../../linux/cgroup/index.ts';
import type { Device } from '../../runtime/index.ts';
import type { RunOptions } from '../options.ts';

/** The nodes that `--device` asks for. @throws {ClocheError} `DEVICE_INVALID` */
export function namedDevices({ devices = [] }: RunOptions): Device[] {
  return devices.map((text) => {
    const { source, target } = parse(text);
    return { ...deviceAt(source), path: target };
  });
}

/** And the rules that let it be used. @throws {ClocheError} `DEVICE_INVALID` */
export function deviceRules({ devices = [] }: RunOptions): DeviceRule[] {
  return devices.map((text) => {
    const { source, access } = parse(text);
    const { type, major, minor } = deviceAt(source);
    return { allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access };
  });
}

/** `/dev/here`, `/dev/here:/dev/there`, `/dev/here:rw`, `/dev/here:/dev/there:r`. */
function parse(text: string): { source: string; target: string; access: string } {
  const [source = '', second, third] = text.split(':');
  const isAccess = (word: string | undefined) => word !== undefined && /^[rwm]{1,3}$/.test(word);
  const target = second === undefined || isAccess(second) ? source : second;
  const access = third ?? (isAccess(second) ? (second ?? '') : 'rwm');
  if (text.split(':').length <= 3 && target.startsWith('/') && isAccess(access))
    return { source, target, access };
  throw invalid(
    `invalid device '${text}'`,
    'it looks like /dev/a, /dev/a:/dev/b or /dev/a:/dev/b:rw',
  );
}

function deviceAt(source: string): Device {
  const device = deviceOf(source);
  if (device !== undefined) return device;
  const why = existsSync(source) ? 'it is no device node' : 'no such file or directory';
  throw invalid(
    `error gathering device information while adding custom device "${source}": ${why}`,
    'a device is a node below /dev of this machine',
  );
}

/** Every device node of the host's /dev, for `--privileged`; not its terminals. */
export function hostDevices(): Device[] {
  const devices: Device[] = [];
  const visit = (directory: string) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && !['pts', 'shm', 'mqueue', 'hugepages'].includes(entry.name))
        visit(path);
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) continue;
      if (entry.name === 'console' || entry.name === 'ptmx') continue;
      const device = deviceOf(path);
      if (device !== undefined) devices.push(device);
    }
  };
  visit('/dev');
  return devices;
}

/** Undefined where there is none. */
function deviceOf(path: string): Device | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !(stat.isCharacterDevice() || stat.isBlockDevice())) return undefined;
  const { rdev, mode, uid, gid } = stat;
  return {
    type: stat.isBlockDevice() ? 'b' : 'c',
    path,
    major: (rdev >> 8) & 0xfff,
    minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00),
    ...{ fileMode: mode & 0o777, uid, gid },
  };
}

function invalid(message: string, hint: string): ClocheError {
  return new ClocheError('DEVICE_INVALID', message, { class: 'invalid-argument', hint });
}
