import {
  buffer,
  bytes,
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
import type { Spec } from '../spec.ts';
import { type Birth, type Meeting, needsHelp } from './birth.ts';
import { deviceSteps } from './devices.ts';
import { maskSteps, readonlySteps } from './masks.ts';
import { filesystemSteps, mountSteps, setAttributes } from './mounts.ts';
import { joinSteps, type Namespaces, writeAt } from './namespaces.ts';
import { openInRoot } from './paths.ts';
import { becoming, executeSteps, workingDirectorySteps } from './process.ts';
import { chrootSteps, pivotSteps, rootSteps } from './rootfs.ts';
import { INIT_FAILED, type Pair } from './shim.ts';
import { consoleSteps, openTerminal, takeTerminal } from './terminal.ts';

/**
 * What init does, from its first instruction to `execve`: its namespaces, its root and what is
 * mounted there, its terminal, its rights, its program. The order is the lesson: each part needs a
 * right or a path that a later part takes away.
 */
export function initSteps(
  birth: Birth,
  namespaces: Namespaces,
  two: Pair,
  meeting: Meeting,
): { steps: Step[]; warnings: readonly string[] } {
  const { spec } = birth;
  const process = spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' };
  const [root, fifo] = [result('root'), result('fifo')];
  const proc = result('own proc');
  const needsProc = process.oomScoreAdj !== undefined || spec.linux?.sysctl !== undefined;
  const become = becoming(process, birth.machine, needsProc ? proc : undefined);
  const seccomp = birth.seccomp ?? [];
  const restrained = process.noNewPrivileges === true;
  const ownTree =
    namespaces.fresh.has('mount') || namespaces.joined.some(({ type }) => type === 'mount');
  const steps = [
    ...beginSteps(birth, two, fifo),
    ...meetingSteps(birth, namespaces, two, meeting),
    ...namespaceSteps(birth, namespaces),
    ...rootSteps(birth.root, spec.linux?.rootfsPropagation, root),
    ...(needsProc
      ? filesystemSteps('proc', 'proc', { attributes: ['MOUNT_ATTR_NOSUID'], data: [] }, proc)
      : []),
    ...(spec.mounts ?? []).flatMap((mount) => mountSteps(root, mount, birth.sourceKind)),
    ...fillSteps(spec, namespaces, root),
    ...terminalSteps(spec, two, meeting, root),
    ...identitySteps(spec, proc),
    ...(ownTree ? pivotSteps(root) : chrootSteps(root)),
    ...propagationSteps(spec),
    ...(spec.root?.readonly === true ? [setAttributes(root, ['MOUNT_ATTR_RDONLY'], false)] : []),
    ...stdioSteps(process.user.uid, meeting),
    ...become.limits,
    ...(restrained
      ? [
          call(
            'prctl',
            [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0],
            'no setuid program gives more rights',
          ),
        ]
      : seccomp),
    ...become.identity,
    ...workingDirectorySteps(root, process.cwd),
    ...lastSteps(birth, two, fifo, process.user.umask),
    ...(restrained ? seccomp : []),
    ...executeSteps(process),
  ];
  return { steps, warnings: become.warnings };
}

function beginSteps(birth: Birth, two: Pair, fifo: Value): Step[] {
  return [
    call(
      'prctl',
      [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0],
      'a container never outlives its shim',
      {
        label: 'init',
      },
    ),
    call('close', [value(two.sockets, 0, 'i32')], "that end is the shim's"),
    call('umask', [0], 'modes are meant as they are written'),
    ...(birth.startFifo === undefined
      ? []
      : [
          call(
            'openat',
            [flags('AT_FDCWD'), text(birth.startFifo), flags('O_RDWR', 'O_CLOEXEC'), 0],
            'where `start` will give its sign; opened while the path is still in sight',
            { save: fifo },
          ),
        ]),
    ...(birth.cgroup?.join ?? []),
  ];
}

/** Opens for the shim what it needs, says so, and waits until the shim has done its part. */
function meetingSteps(birth: Birth, namespaces: Namespaces, two: Pair, meeting: Meeting): Step[] {
  if (!needsHelp(birth, namespaces)) return [];
  const open = (path: string, save: Value, why: string) =>
    call('openat', [flags('AT_FDCWD'), text(path), flags('O_RDONLY', 'O_CLOEXEC'), 0], why, {
      save,
    });
  return [
    ...(namespaces.fresh.has('user')
      ? [open('/proc/self', meeting.proc, 'the shim writes the id mappings through it')]
      : []),
    ...(birth.network === undefined
      ? []
      : [open('/proc/self/ns/net', meeting.netns, 'the shim puts a network interface in there')]),
    ...meet(two, 'in the namespaces', 'the mappings, the network and the hooks are done'),
  ];
}

function meet({ sockets }: Pair, say: string, hear: string): Step[] {
  const end = value(sockets, 4, 'i32');
  return [
    call('write', [end, bytes(Uint8Array.of(110), '"n"'), 1], say),
    call('read', [end, pointer(buffer('word', 8)), 1], hear, {
      jump: { on: 'zero', to: INIT_FAILED },
    }),
  ];
}

function namespaceSteps(birth: Birth, namespaces: Namespaces): Step[] {
  const user =
    namespaces.fresh.has('user') || namespaces.joined.some(({ type }) => type === 'user');
  return [
    ...joinSteps(namespaces),
    ...(user
      ? [
          call('setresgid', [0, 0, 0], 'be root of the new user namespace'),
          call('setresuid', [0, 0, 0], 'so that what is made here belongs to it'),
        ]
      : []),
    ...(namespaces.fresh.has('cgroup')
      ? [
          call(
            'unshare',
            [flags('CLONE_NEWCGROUP')],
            'our cgroup is the root of what we see of them',
          ),
        ]
      : []),
    ...(birth.network?.init ?? []),
  ];
}

/** `/dev`, and what is hidden or made read-only. */
function fillSteps(spec: Spec, namespaces: Namespaces, root: Value): Step[] {
  const devpts = (spec.mounts ?? []).some(({ type }) => type === 'devpts');
  const dev = (spec.mounts ?? []).some(
    ({ destination, type }) => destination === '/dev' && type === 'tmpfs',
  );
  const linux = spec.linux ?? {};
  return [
    // A /dev that is bound from elsewhere is somebody else's to fill.
    ...(dev || (linux.devices ?? []).length > 0
      ? deviceSteps(root, linux.devices ?? [], {
          userNamespace: namespaces.fresh.has('user'),
          devpts,
        })
      : []),
    ...(linux.readonlyPaths ?? []).flatMap((path) => readonlySteps(root, path)),
    ...(linux.maskedPaths ?? []).flatMap((path) => maskSteps(root, path)),
  ];
}

function terminalSteps(spec: Spec, two: Pair, { terminal }: Meeting, root: Value): Step[] {
  if (terminal === undefined) return [];
  return [
    ...openTerminal(root, terminal, spec.process?.consoleSize),
    ...meet(two, 'a terminal is open', 'the shim has its other end'),
    ...consoleSteps(root, terminal.slave),
  ];
}

/** Names and kernel parameters. These are written through a proc of our own, never by a path inside (CVE-2025-52881). */
function identitySteps(spec: Spec, proc: Value): Step[] {
  const name = (which: 'sethostname' | 'setdomainname', content: string | undefined) =>
    content === undefined
      ? []
      : [call(which, [text(content), Buffer.byteLength(content)], 'what it calls itself')];
  return [
    ...name('sethostname', spec.hostname),
    ...name('setdomainname', spec.domainname),
    ...Object.entries(spec.linux?.sysctl ?? {}).flatMap(([key, content]) => {
      const directory = result('sysctl');
      return [
        openInRoot(proc, 'sys', ['O_PATH', 'O_DIRECTORY'], `the kernel parameter ${key}`, {
          save: directory,
        }),
        ...writeAt(directory, key.replaceAll('.', '/'), content, `${key} = ${content}`),
      ];
    }),
  ];
}

/** Only now may the tree be shared, when nothing of the host's is in it. */
function propagationSteps(spec: Spec): Step[] {
  const wanted = spec.linux?.rootfsPropagation;
  const kind = wanted === 'shared' || wanted === 'rshared' ? 'MS_SHARED' : undefined;
  const unbindable =
    wanted === 'unbindable' || wanted === 'runbindable' ? 'MS_UNBINDABLE' : undefined;
  const flag = kind ?? unbindable;
  return flag === undefined
    ? []
    : [call('mount', [0, text('/'), 0, flags('MS_REC', flag), 0], `the root is ${wanted}`)];
}

function stdioSteps(uid: number, { terminal, pipes }: Meeting): Step[] {
  if (terminal !== undefined) return takeTerminal(terminal.slave, uid);
  const redirect = [pipes?.out, pipes?.err].flatMap((pipe, i) =>
    pipe === undefined
      ? []
      : [call('dup3', [value(pipe, 4, 'i32'), i + 1, 0], `${pipe.name} into the log`)],
  );
  return [call('setsid', [], 'a session of its own'), ...redirect];
}

function lastSteps(birth: Birth, two: Pair, fifo: Value, umask = 0o022): Step[] {
  const wait =
    birth.startFifo === undefined
      ? []
      : [
          call(
            'write',
            [value(two.sockets, 4, 'i32'), bytes(Uint8Array.of(114), '"r"'), 1],
            'ready',
          ),
          call('read', [fifo, pointer(buffer('word', 8)), 1], 'wait for `start`', {
            jump: { on: 'zero', to: INIT_FAILED },
          }),
        ];
  return [
    call('umask', [mode(umask)], 'what files are made with'),
    call(
      'close_range',
      [3 + (birth.preserveFds ?? 0), 0xffff_ffff, flags('CLOSE_RANGE_CLOEXEC')],
      'the program inherits nothing but its input and output (CVE-2024-21626)',
    ),
    call(
      'prctl',
      [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0],
      'again: a change of user has undone it',
    ),
    ...wait,
  ];
}
