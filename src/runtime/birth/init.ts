import { call, flags, result, type Step, text, type Value, value } from '../../linux/plan/index.ts';
import { personalitySteps } from '../../linux/scheduling.ts';
import type { Spec } from '../spec.ts';
import { type Birth, type Meeting, needsHelp } from './birth.ts';
import { cgroupMountSteps } from './cgroup-mount.ts';
import { deviceSteps } from './devices.ts';
import { send } from './hand-over.ts';
import { hookSteps, type PlannedHook } from './hooks.ts';
import { maskSteps, readonlySteps } from './masks.ts';
import { memorySteps } from './memory.ts';
import { filesystemSteps, mountSteps, setAttributes } from './mounts.ts';
import { hasLeft, hasUser, joinSteps, type Namespaces, writeAt } from './namespaces.ts';
import { fifoSteps, outcomePlace, tellOutcome } from './outcome.ts';
import { requireOwn } from './own.ts';
import { openInRoot } from './paths.ts';
import { makeWorkingDirectorySteps } from './process.ts';
import { chrootSteps, pivotSteps, rootSteps } from './rootfs.ts';
import { settle } from './settle.ts';
import { INIT, type Pair } from './shim.ts';
import { isShimThere, meet } from './talk.ts';
import { consoleSteps, openTerminal } from './terminal.ts';

export interface InitPlan {
  readonly steps: Step[];
  /** What it does first when anything has failed. */
  readonly tell: Step[];
  readonly warnings: readonly string[];
  readonly hooks: readonly PlannedHook[];
}

/**
 * What init does, from when it has begun to `execve`: its namespaces, its root and what is
 * mounted there, its terminal, its rights, its program. The order is the lesson: each part needs a
 * right or a path that a later part takes away.
 */
export function initSteps(
  birth: Birth,
  namespaces: Namespaces,
  two: Pair,
  meeting: Meeting,
): InitPlan {
  const { spec } = birth;
  requireOwn(spec, namespaces);
  const process = spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' };
  const personality = spec.linux?.personality;
  const [root, fifo] = [result('root'), result('fifo')];
  const proc = result('own proc');
  // Of a new user namespace the shim says it, which may.
  const scores = process.oomScoreAdj !== undefined && !namespaces.fresh.has('user');
  const needsProc = scores || spec.linux?.sysctl !== undefined;
  const atCreate = hookSteps('createContainer', birth.innerHooks);
  const atStart = hookSteps('startContainer', birth.innerHooks);
  const before = atStart.steps;
  const settled = settle(
    {
      ...{ ...birth, process, root, fifo, before },
      proc: scores ? proc : undefined,
      adopted: birth.startFifo !== undefined,
      sends: hasLeft(namespaces),
    },
    two,
    meeting,
  );
  const ownTree =
    namespaces.fresh.has('mount') || namespaces.joined.some(({ type }) => type === 'mount');
  const outcome = outcomePlace();
  const steps = [
    ...fifoSteps(birth, fifo, outcome),
    ...(birth.cgroup?.join ?? []),
    ...meetingSteps(birth, namespaces, two, meeting),
    ...namespaceSteps(birth, namespaces),
    ...rootSteps(birth.root, spec.linux?.rootfsPropagation, root, ownTree),
    ...(needsProc ? filesystemSteps('proc', 'proc', { attributes: OWN_PROC, data: [] }, proc) : []),
    ...closingAfter(root, [
      ...(birth.memory === undefined ? [] : memorySteps(birth.memory)),
      ...(spec.mounts ?? []).flatMap((mount) =>
        mount.type === 'cgroup' || mount.type === 'cgroup2'
          ? cgroupMountSteps(root, mount, birth.cgroup?.folders ?? [])
          : mountSteps(root, mount, birth.sourceKind),
      ),
      ...fillSteps(spec, namespaces, root),
      ...makeWorkingDirectorySteps(root, process.cwd),
    ]),
    ...terminalSteps(spec, two, meeting, root, { ownTree, sends: hasLeft(namespaces) }),
    ...identitySteps(spec, proc),
    ...(personality === undefined ? [] : personalitySteps(personality.domain)),
    ...atCreate.steps,
    ...(ownTree ? pivotSteps(root) : chrootSteps(root)),
    ...propagationSteps(spec),
    ...(spec.root?.readonly === true ? [setAttributes(root, ['MOUNT_ATTR_RDONLY'], false)] : []),
    ...settled.steps,
  ];
  const hooks = [...atCreate.planned, ...atStart.planned];
  const tell = birth.outcomeFifo === undefined ? [] : tellOutcome(outcome, atStart.planned);
  return { steps, tell, warnings: settled.warnings, hooks };
}

/** The first steps of any process that becomes somebody else's program. */
export function beginSteps(two: Pair): Step[] {
  return [
    call('prctl', DIE_WITH_SHIM, 'a container never outlives its shim', { label: INIT }),
    call('close', [value(two.sockets, 0, 'i32')], "that end is the shim's"),
    isShimThere(two),
    call('umask', [0], 'modes are meant as they are written'),
  ];
}

/** In a user namespace a proc may allow no more than the one that is there. Source: mount_namespaces(7). */
const OWN_PROC = ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NOEXEC', 'MOUNT_ATTR_NODEV'] as const;

const DIE_WITH_SHIM = [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0];

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

function namespaceSteps(birth: Birth, namespaces: Namespaces): Step[] {
  return [
    ...joinSteps(namespaces),
    ...(hasUser(namespaces)
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

/**
 * Steps of which no fd is needed after them. A new fd has the lowest free number, so all of theirs lie above
 * one that was made before: they leave room for a low limit of open files, which holds for us too.
 */
function closingAfter(some: Value, steps: readonly Step[]): Step[] {
  const lowest = result('lowest');
  return [
    call('dup', [some], 'fds from here on are for mounts alone', { save: lowest }),
    ...steps,
    call('close_range', [lowest, 0xffff_ffff, 0], 'all mounts hang in the tree, and hold by it'),
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
          userNamespace: hasUser(namespaces),
          devpts,
        })
      : []),
    ...(linux.readonlyPaths ?? []).flatMap((path) => readonlySteps(root, path)),
    ...(linux.maskedPaths ?? []).flatMap((path) => maskSteps(root, path)),
  ];
}

function terminalSteps(
  spec: Spec,
  two: Pair,
  { terminal }: Meeting,
  root: Value,
  { ownTree, sends }: { readonly ownTree: boolean; readonly sends: boolean },
): Step[] {
  if (terminal === undefined) return [];
  return [
    ...openTerminal(root, terminal, spec.process?.consoleSize),
    ...(sends ? send(value(two.sockets, 4, 'i32'), terminal.master) : []),
    ...meet(two, 'a terminal is open', 'the shim has its other end'),
    ...(ownTree ? consoleSteps(root, terminal.slave) : []),
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
