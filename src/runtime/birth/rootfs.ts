import type { FlagName } from '../../linux/abi/flags.ts';
import { call, flags, result, type Step, text, type Value } from '../../linux/plan/index.ts';
import { filesystemSteps } from './mounts.ts';

/** What becomes `/` of the container. All paths are the host's. */
export type RootSource =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'overlay';
      /** Read-only layers, the topmost first. */
      readonly lower: readonly string[];
      /** Where changes go, and overlayfs's own work directory; both on one filesystem. */
      readonly upper: string;
      readonly work: string;
      /** An empty directory to mount on. */
      readonly at: string;
      /**
       * Its changes need not outlive a crash of the machine: the kernel then neither syncs the whole
       * filesystem below when the overlay goes, nor what a program inside asks it to. Such an upper
       * directory is mounted once only.
       */
      readonly volatile?: boolean | undefined;
    };

/**
 * The upper directory becomes a layer later, so it must hold whole files: no redirects of renamed
 * directories, no copies of metadata alone. Whatever the kernel's defaults are.
 */
const FORM = ['redirect_dir=off', 'metacopy=off'];

/** The longest option string that mount(2) takes: a page, less its NUL. */
const MOUNT_DATA_MAX = 4095;

/**
 * Cuts the mount tree off from the host's and mounts the root; `root` holds an fd of it. Where the mount
 * tree is not the container's own nothing is mounted at all: it would stay in the host's.
 *
 * The overlay is mounted here, in the container's own mount namespace: when its last process dies
 * the kernel takes it away, and the host never sees it.
 */
export function rootSteps(
  source: RootSource,
  propagation: string | undefined,
  root: Value,
  ownTree: boolean,
): Step[] {
  const kind = PROPAGATION[propagation ?? ''] ?? 'MS_SLAVE';
  const mounting = () => [
    call(
      'mount',
      [0, text('/'), 0, flags('MS_REC', kind), 0],
      'what is mounted in here shall not show on the host',
    ),
    ...(source.kind === 'directory' ? directorySteps(source.path) : overlaySteps(source)),
  ];
  return [
    ...(ownTree ? mounting() : []),
    call(
      'openat',
      [
        flags('AT_FDCWD'),
        text(source.kind === 'directory' ? source.path : source.at),
        flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC'),
        0,
      ],
      'hold the root by an fd, so that no path has to be looked up twice',
      { save: root },
    ),
  ];
}

/** `shared` must not reach the host's own tree while we mount: it is applied after the pivot. */
const PROPAGATION: Record<string, FlagName> = {
  private: 'MS_PRIVATE',
  rprivate: 'MS_PRIVATE',
  slave: 'MS_SLAVE',
  rslave: 'MS_SLAVE',
  unbindable: 'MS_PRIVATE',
  runbindable: 'MS_PRIVATE',
};

function directorySteps(path: string): Step[] {
  return [
    call(
      'mount',
      [text(path), text(path), 0, flags('MS_BIND', 'MS_REC'), 0],
      'pivot_root wants a mount, so the root is mounted on itself',
    ),
    call('mount', [0, text(path), 0, flags('MS_REC', 'MS_PRIVATE'), 0], "and is nobody else's"),
  ];
}

function overlaySteps(source: Extract<RootSource, { kind: 'overlay' }>): Step[] {
  const { lower, upper, work, at } = source;
  const form = source.volatile === true ? [...FORM, 'volatile'] : FORM;
  const data = `lowerdir=${lower.map(escaped).join(':')},upperdir=${escaped(upper)},workdir=${escaped(work)},${form.join(',')}`;
  if (Buffer.byteLength(data) <= MOUNT_DATA_MAX)
    return [
      call(
        'mount',
        [text('overlay'), text(at), text('overlay'), 0, text(data)],
        "the image's layers below, a directory for changes on top: the root",
      ),
    ];
  const made = result('overlay');
  const options = [
    ...lower.map((path) => ['lowerdir+', path] as const),
    ['upperdir', upper] as const,
    ['workdir', work] as const,
    ...form.map((option) => {
      const [key = '', content] = option.split('=');
      return [key, content] as const;
    }),
  ];
  return [
    ...filesystemSteps('overlay', 'overlay', { attributes: [], data: options }, made),
    call(
      'move_mount',
      [made, text(''), flags('AT_FDCWD'), text(at), flags('MOVE_MOUNT_F_EMPTY_PATH')],
      'more layers than a mount(2) option string holds, so they were given one by one',
    ),
  ];
}

/** Overlayfs splits at `:` and `,`. */
function escaped(path: string): string {
  return path.replace(/([\\:,])/g, '\\$1');
}

/**
 * Makes `root` the root and lets the old one go. Both lie stacked at `.` for a moment, so no
 * directory is needed to put the old one. Source: pivot_root(2).
 */
export function pivotSteps(root: Value): Step[] {
  return [
    call('fchdir', [root], 'go to the new root'),
    call('pivot_root', [text('.'), text('.')], 'new root on top, old root below, both at "."'),
    call('umount2', [text('.'), flags('MNT_DETACH')], "the host's files are gone from here"),
    call('chdir', [text('/')], 'stand in the new root'),
  ];
}

/** Without a mount namespace of its own the container gets a chroot, as runc gives it. */
export function chrootSteps(root: Value): Step[] {
  return [
    call('fchdir', [root], 'go to the new root'),
    call('chroot', [text('.')], 'without a mount namespace of its own there is nothing to pivot'),
  ];
}
