import type { Dress } from '../../build/copy/destination.ts';
import type { Item } from '../../build/copy/gather.ts';
import { pathname } from '../../image/layer/pathname.ts';
import { nameOf, parentOf, type RawPath } from '../../image/layer/scan.ts';
import { setTime } from '../../image/layer/times.ts';
import {
  block,
  bytes,
  call,
  flags,
  jump,
  label,
  mode,
  pointer,
  result,
  type Step,
  text,
  within,
} from '../../linux/plan/index.ts';

/**
 * The system calls that make files inside of a container that runs. The container's root is opened once; a
 * directory is reached by openat2(2) within it, and entered; what is made then is a single name, which is
 * new (O_EXCL) or not followed. So whatever the container does to its names meanwhile, nothing is made
 * outside of it.
 */

const HERE = flags('AT_FDCWD');
const NO_FOLLOW = flags('AT_SYMLINK_NOFOLLOW');
const ROOT = result('root');
const DIRECTORY = result('directory');
const SOURCE = result('source');
const FILE = result('file');
/** As many bytes as sendfile(2) moves at once. */
const MOST = 0x7fff_f000;

/** Where a plan goes whose file cannot be made. */
const END = 'end';

/** Once, at the end. */
export function endStep(): Step {
  return label(END, 'all is there, or what is missing is said');
}

/** Once, at the beginning. */
export function rootSteps(root: string): Step[] {
  const open = flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  return [
    call('openat', [HERE, text(root), open, 0], 'the container’s root', { save: ROOT }),
    call('umask', [0], 'modes are as they are said'),
  ];
}

/** Makes a directory the one in which names are made. */
export function enterSteps(path: RawPath): Step[] {
  return [
    openInside(path),
    call('fchdir', [DIRECTORY], `go to /${path}`),
    call('close', [DIRECTORY], 'it is where we are'),
  ];
}

/**
 * Takes a file away, if there is one. Nothing may be mounted on it: the kernel would let go of a mount of
 * the container's because of a removal that comes from outside of its namespace (mount_namespaces(7)).
 */
export function removeSteps(name: RawPath): Step[] {
  const at = pathname(name);
  const open = flags('O_PATH', 'O_NOFOLLOW', 'O_CLOEXEC');
  const how = pointer(block('open_how', [open, 0, flags('RESOLVE_NO_XDEV')]));
  return [
    call('openat2', [HERE, at, how, 24], 'nothing is mounted on it', {
      save: FILE,
      tolerate: ['ENOENT'],
    }),
    call('close', [FILE], 'that was all', { tolerate: ['EBADF'] }),
    call('unlinkat', [HERE, at, 0], 'make room', { tolerate: ['ENOENT'] }),
  ];
}

export function directorySteps(name: RawPath, dress: Dress): Step[] {
  const make = call('mkdirat', [HERE, pathname(name), mode(0o700)], 'a new directory', {
    tolerate: ['EEXIST'],
  });
  return [make, ...dressDirectorySteps(name, dress)];
}

/** But for its time, which changes with what is put into it. */
export function dressDirectorySteps(name: RawPath, dress: Dress): Step[] {
  const open = flags('O_RDONLY', 'O_DIRECTORY', 'O_NOFOLLOW', 'O_CLOEXEC');
  return [
    call('openat', [HERE, pathname(name), open, 0], 'the directory', { save: FILE }),
    ...ownSteps(name, dress),
    call('fchmod', [FILE, mode(dress.mode)], 'its mode, after the owner'),
    call('close', [FILE], 'it is ready'),
  ];
}

/** A file with its content, a link, a device or a fifo. */
export function fileSteps(name: RawPath, item: Item, dress: Dress): Step[] {
  const time = setTime(pathname(name), dress.mtime);
  const { kind, target = '', stat } = item.node;
  if (kind === 'file') return [...contentSteps(name, item.host, dress), time];
  const make =
    kind === 'symlink'
      ? call('symlinkat', [pathname(target), HERE, pathname(name)], 'a link')
      : call('mknodat', [HERE, pathname(name), mode(Number(stat.mode)), stat.rdev], 'a node');
  return [make, ...ownSteps(name, dress), time];
}

function contentSteps(name: RawPath, host: Buffer, dress: Dress): Step[] {
  const [again, broken, whole] = [{ name: 'again' }, { name: 'broken' }, { name: 'whole' }];
  const [read, make] = [
    flags('O_RDONLY', 'O_NOFOLLOW', 'O_CLOEXEC'),
    flags('O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_NOFOLLOW', 'O_CLOEXEC'),
  ];
  return [
    call('openat', [HERE, pathname(host.toString('latin1')), read, 0], 'what is copied', {
      save: SOURCE,
    }),
    call('openat', [HERE, pathname(name), make, mode(0o600)], 'a new file', { save: FILE }),
    ...within({ onFail: broken }, [
      call('sendfile', [FILE, SOURCE, 0, MOST], 'its content, until there is no more', {
        label: again,
        jump: { on: 'positive', to: again },
      }),
      ...ownSteps(name, dress),
      call('fchmod', [FILE, mode(dress.mode)], 'its mode, after the owner'),
    ]),
    jump(whole, 'it is whole'),
    call('unlinkat', [HERE, pathname(name), 0], 'half a file is none', { label: broken }),
    jump(END, 'that was all'),
    call('close', [FILE], 'it is ready', { label: whole }),
    call('close', [SOURCE], 'it is copied'),
  ];
}

/** One more name of a file that was made. */
export function linkSteps(first: RawPath, name: RawPath): Step[] {
  const old = pathname(nameOf(first));
  return [
    openInside(parentOf(first)),
    call('linkat', [DIRECTORY, old, HERE, pathname(name), 0], 'one more name'),
    call('close', [DIRECTORY], 'it is linked'),
  ];
}

function ownSteps(name: RawPath, { owner, xattrs = new Map() }: Dress): Step[] {
  const at = pathname(name);
  return [
    call('fchownat', [HERE, at, owner.uid, owner.gid, NO_FOLLOW], 'its owner'),
    ...[...xattrs].map(([key, value]) =>
      call(
        'lsetxattr',
        [at, text(key), bytes(value, `${value.length} bytes`), value.length, 0],
        'as where it comes from',
      ),
    ),
  ];
}

function openInside(path: RawPath): Step {
  const open = flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  const how = block('open_how', [open, 0, flags('RESOLVE_IN_ROOT', 'RESOLVE_NO_MAGICLINKS')]);
  const args = [ROOT, pathname(path === '' ? '.' : path), pointer(how), 24];
  return call('openat2', args, `/${path}, in the container`, { save: DIRECTORY });
}
