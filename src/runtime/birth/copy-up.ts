import {
  buffer,
  call,
  flags,
  mode,
  pointer,
  result,
  type Step,
  text,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import type { MountOptions } from './mount-options.ts';
import { filesystemSteps } from './mounts.ts';
import { attach, openOrMake } from './paths.ts';

/**
 * `tmpcopyup`, which other engines add to each tmpfs: it begins with what lies below it. Nobody copies: the
 * directory is the lower layer of an overlay whose upper one is in the tmpfs, so what is changed comes up
 * when it is changed. Source: runc's `libcontainer/rootfs_linux.go`, which copies the files.
 */
export function copyUpSteps(
  root: Value,
  destination: string,
  source: string | undefined,
  options: Pick<MountOptions, 'attributes' | 'data'>,
): Step[] {
  const [place, below, lower] = [result('place'), result('below'), result('lower')];
  const [tmpfs, over] = [result(`tmpfs:${destination}`), result(`mnt:${destination}`)];
  const copy = flags('AT_EMPTY_PATH', 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC');
  const overlay = ['lower', 'upper', 'work'].map((name) => [`${name}dir`, name] as const);
  return [
    ...openOrMake(root, destination, 'directory', place),
    call('open_tree', [place, text(''), copy], `what lies below ${destination}`, { save: below }),
    ...filesystemSteps('tmpfs', source, { attributes: [], data: options.data }, tmpfs),
    attach(tmpfs, place, `memory at ${destination}`),
    ...['lower', 'upper', 'work'].map((name) =>
      call('mkdirat', [tmpfs, text(name), mode(0o755)], `a layer of ${destination}`),
    ),
    call('openat', [tmpfs, text('lower'), flags('O_PATH', 'O_CLOEXEC'), 0], 'the lowest', {
      save: lower,
    }),
    ...ownerSteps(place, tmpfs, options.data.find(([key]) => key === 'mode')?.[1]),
    attach(below, lower, 'is what lay there before'),
    call('fchdir', [tmpfs], 'its layers are named from here'),
    ...filesystemSteps('overlay', 'tmpfs', { attributes: options.attributes, data: overlay }, over),
    attach(over, tmpfs, `show both at ${destination}`),
  ];
}

/** What is seen has the owner and the mode of what lies below, unless another mode is asked for. */
function ownerSteps(place: Value, tmpfs: Value, asked: string | undefined): Step[] {
  const found = buffer('statx', 256);
  // stx_uid, stx_gid, and stx_mode, of 16 bits with as many zeros behind it.
  const [uid, gid, bits] = [
    value(found, 20, 'i32'),
    value(found, 24, 'i32'),
    value(found, 28, 'i32'),
  ];
  const own = asked === undefined ? bits : mode(Number.parseInt(asked, 8));
  const look = [place, text(''), flags('AT_EMPTY_PATH'), STATX_BASIC_STATS, pointer(found)];
  return [
    call('statx', look, 'whose is it?'),
    call('fchownat', [tmpfs, text('upper'), uid, gid, 0], 'so it stays'),
    call('fchmodat', [tmpfs, text('upper'), own], 'and who may do what'),
  ];
}

const STATX_BASIC_STATS = 0x7ff;
