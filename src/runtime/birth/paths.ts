import type { FlagName } from '../../linux/abi/flags.ts';
import {
  block,
  call,
  flags,
  mode,
  pointer,
  result,
  type Step,
  type StepAbout,
  text,
  type Value,
} from '../../linux/plan/index.ts';

/**
 * Every path inside of a container's root goes through here, and the kernel resolves it as if the
 * root were `/`: RESOLVE_IN_ROOT, so that neither `..` nor a symbolic link nor a race leads out of
 * it. No magic links either: `/proc/self/fd/7` may be a directory of the host (CVE-2024-21626).
 * Source: openat2(2).
 */
export function openInRoot(
  root: Value,
  path: string,
  open: readonly FlagName[],
  why: string,
  about: StepAbout & { mode?: number } = {},
): Step {
  const names: FlagName[] = [...open, 'O_CLOEXEC'];
  const { mode: creation = 0, ...rest } = about;
  const how = block(
    'open_how',
    [flags(...names), creation, flags('RESOLVE_IN_ROOT', 'RESOLVE_NO_MAGICLINKS')],
    { shown: `{${names.join('|')}, RESOLVE_IN_ROOT}` },
  );
  return call('openat2', [root, text(relative(path)), pointer(how), 24], why, rest);
}

/**
 * Opens `path` (O_PATH), making it and its parents where they are missing: directories 0755, and at
 * the end a directory or an empty file. `save` holds the fd.
 */
export function openOrMake(
  root: Value,
  path: string,
  kind: 'directory' | 'file',
  save: Value,
): Step[] {
  const parts = relative(path).split('/');
  const name = parts.pop() ?? '.';
  const there = { name: 'there' };
  const steps: Step[] = [
    openInRoot(root, path, ['O_PATH'], `look for ${path}`, { save, tolerate: ['ENOENT'] }),
    call('value', [save], `if ${path} is there, go on`, {
      tolerate: 'any',
      jump: { on: 'positive', to: there },
    }),
  ];
  const parents = parts.map((_, i) => parts.slice(0, i + 1));
  let parent: Value = root;
  for (const prefix of parents) {
    const directory = result('directory');
    const last = prefix.at(-1) ?? '.';
    steps.push(
      call('mkdirat', [parent, text(last), mode(0o755)], `on the way to ${path}`, {
        tolerate: ['EEXIST'],
      }),
      openInRoot(root, prefix.join('/'), ['O_PATH', 'O_DIRECTORY'], `on the way to ${path}`, {
        save: directory,
      }),
    );
    parent = directory;
  }
  steps.push(
    kind === 'directory'
      ? call('mkdirat', [parent, text(name), mode(0o755)], `the mount point ${path}`)
      : call(
          'mknodat',
          [parent, text(name), mode(0o100644), 0],
          `an empty file ${path} to mount on`,
        ),
    openInRoot(root, path, ['O_PATH'], `open ${path}`, { save }),
    call('value', [0], `${path} is there`, { label: there }),
  );
  return steps;
}

/** Attaches a detached mount to an opened place; both by fd, so no path is looked up again. */
export function attach(mount: Value, place: Value, why: string): Step {
  return call(
    'move_mount',
    [mount, text(''), place, text(''), flags('MOVE_MOUNT_F_EMPTY_PATH', 'MOVE_MOUNT_T_EMPTY_PATH')],
    why,
  );
}

/** `/etc//hosts/` → `etc/hosts`; the root itself → `.` */
export function relative(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 ? '.' : parts.join('/');
}
