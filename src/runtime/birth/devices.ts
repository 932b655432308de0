import {
  buffer,
  call,
  flags,
  jump,
  label,
  mode,
  pointer,
  result,
  type Step,
  text,
  type Value,
} from '../../linux/plan/index.ts';
import type { Device } from '../spec.ts';
import { bindSteps } from './mounts.ts';
import { attach, openOrMake, relative } from './paths.ts';

/** The devices that every container has, whatever its config says. Source: config-linux.md. */
const DEFAULT_DEVICES: readonly Device[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0 },
];

const LINKS = [
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
] as const;

/**
 * `/dev`: the default devices, those of the config, and the links that programs expect.
 *
 * In a user namespace nobody may make device nodes, so there the host's are bind-mounted.
 */
export function deviceSteps(
  root: Value,
  devices: readonly Device[],
  about: { readonly userNamespace: boolean; readonly devpts: boolean },
): Step[] {
  const own = new Map(DEFAULT_DEVICES.map((device) => [device.path, device]));
  for (const device of devices) own.set(device.path, device);
  return [
    ...[...own.values()].flatMap((device) =>
      about.userNamespace ? borrowed(root, device) : made(root, device, devices.includes(device)),
    ),
    ...linkSteps(root, about.devpts),
  ];
}

/** @param exactly what stands there already must be that device; else it may be anything */
function made(root: Value, device: Device, exactly: boolean): Step[] {
  const parts = relative(device.path).split('/');
  const name = parts.pop() ?? '';
  const parent = result('parent');
  const bits = KIND[device.type] | (device.fileMode ?? 0o666);
  const number = makedev(device.major ?? 0, device.minor ?? 0);
  const owner = [device.uid ?? 0, device.gid ?? 0] as const;
  const steps = [
    ...openOrMake(root, parts.join('/'), 'directory', parent),
    ...(exactly
      ? madeOrSame(parent, name, device, bits)
      : [
          call('mknodat', [parent, text(name), mode(bits), number], `the device ${device.path}`, {
            tolerate: ['EEXIST'],
          }),
        ]),
  ];
  if (owner[0] !== 0 || owner[1] !== 0)
    steps.push(
      call(
        'fchownat',
        [parent, text(name), ...owner, flags('AT_SYMLINK_NOFOLLOW')],
        `${device.path} belongs to ${owner.join(':')}`,
      ),
    );
  return steps;
}

/**
 * Makes a device where there is none; another one there is EEXIST. Numbers are compared by futex(2), which
 * moves waiters, of whom there are none, only if a word of memory is what we think it is.
 */
function madeOrSame(parent: Value, name: string, device: Device, bits: number): Step[] {
  const { path, type, major = 0, minor = 0 } = device;
  const there = { name: `${path} is there` };
  const other = { name: `${path} is another file` };
  const found = buffer(`what ${path} is`, STATX_SIZE);
  const make = [parent, text(name), mode(bits), makedev(major, minor)];
  const same = (at: number, is: number, what: string) => {
    const word = pointer(found, at);
    return call('futex', [word, FUTEX_CMP_REQUEUE, 0, 0, word, is], `is its ${what} ${is}?`, {
      jump: { on: 'negative', to: other },
    });
  };
  const made = { tolerate: ['EEXIST'], jump: { on: 'zero', to: there } } as const;
  const look = [parent, text(name), flags('AT_SYMLINK_NOFOLLOW'), STATX_BASIC, pointer(found)];
  return [
    call('mknodat', make, `the device ${path}`, made),
    call('statx', look, `or is it there already?`),
    ...(type === 'p'
      ? [same(STATX_MODE_AT, bits, 'mode')]
      : [same(STATX_MAJOR_AT, major, 'major'), same(STATX_MINOR_AT, minor, 'minor')]),
    jump(there, `${path} is that device`),
    call('mknodat', make, `the place of ${path} is taken`, { label: other }),
    label(there, `the device ${path} is there`),
  ];
}

/** Offsets in `struct statx`, and its size. */
const STATX_SIZE = 256;
const [STATX_MODE_AT, STATX_MAJOR_AT, STATX_MINOR_AT] = [28, 128, 132];
const STATX_BASIC = 0x7ff;
const FUTEX_CMP_REQUEUE = 4;

function borrowed(root: Value, device: Device): Step[] {
  const host = result(`host:${device.path}`);
  const place = result('place');
  return [
    ...bindSteps(device.path, { bind: 'bind', attributes: [] }, host),
    ...openOrMake(root, device.path, 'file', place),
    attach(host, place, `the host's ${device.path}, since nodes cannot be made in here`),
  ];
}

function linkSteps(root: Value, devpts: boolean): Step[] {
  const dev = result('dev');
  const links = devpts ? [...LINKS, ['pts/ptmx', 'ptmx'] as const] : LINKS;
  return [
    ...openOrMake(root, '/dev', 'directory', dev),
    ...links.map(([target, name]) =>
      call('symlinkat', [text(target), dev, text(name)], `/dev/${name} leads to ${target}`, {
        tolerate: ['EEXIST'],
      }),
    ),
  ];
}

const KIND: Record<Device['type'], number> = {
  c: 0o020000,
  u: 0o020000,
  b: 0o060000,
  p: 0o010000,
};

/** The kernel's encoding of a device number: 12 bits major, 20 bits minor, interleaved. */
export function makedev(major: number, minor: number): number {
  return ((minor & 0xfff00) << 12) | ((major & 0xfff) << 8) | (minor & 0xff);
}
