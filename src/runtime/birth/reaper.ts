import { HOST_ARCH } from '../../linux/abi/arch.ts';
import { encode } from '../../linux/plan/encode.ts';
import {
  block,
  buffer,
  bytes,
  call,
  flags,
  int32,
  jump,
  type Plan,
  plan,
  pointer,
  result,
  type Step,
  text,
  texts,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import { PLAN_FD, WALKER_BASE } from '../../linux/walker/index.ts';
import type { Process } from '../spec.ts';
import { programFiles } from './process.ts';

/**
 * `--init`: PID 1 is a walker with a plan of its own, which does what tini does. It makes the program its
 * child, hands on every signal, buries whoever dies, and ends as its child ends.
 *
 * The plan is a second one, in memory of its own. The shim performs the first with the host's rights, and
 * init shares that memory: a container that may trace (CAP_SYS_PTRACE) could write there through PID 1.
 *
 * @param walkerSize bytes of the walker, which is copied once more into sealed memory
 */
export function reaperSteps(process: Process, walkerSize: number): Step[] {
  const { bytes: encoded } = encode(reaperPlan(process), HOST_ARCH);
  const [walker, memory] = [result('walker'), result('reaper')];
  const seals = flags('F_SEAL_SEAL', 'F_SEAL_SHRINK', 'F_SEAL_GROW', 'F_SEAL_WRITE');
  const make = (...names: Parameters<typeof flags>) => [text('cloche-init'), flags(...names)];
  return [
    call('memfd_create', make('MFD_CLOEXEC', 'MFD_ALLOW_SEALING'), 'a file in memory', {
      save: walker,
    }),
    call('write', [walker, WALKER_BASE, walkerSize], 'this very walker, copied into it'),
    call('fcntl', [walker, flags('F_ADD_SEALS'), seals], 'nobody can change it any more'),
    call('memfd_create', make('MFD_CLOEXEC'), 'and a plan that is not shared with the shim', {
      save: memory,
    }),
    call('write', [memory, bytes(encoded, 'the plan of PID 1'), encoded.length], 'what PID 1 does'),
    call('dup3', [memory, PLAN_FD, 0], 'where a walker looks for its plan'),
    call(
      'execveat',
      [
        walker,
        text(''),
        texts(['cloche-init', '--', ...(process.args ?? [])]),
        texts([]),
        flags('AT_EMPTY_PATH'),
      ],
      'become PID 1, which reaps and hands on signals',
    ),
  ];
}

/** What the program's parent and the program itself share until it is executed. */
const CHILD = 'child';
const LISTEN = { name: 'listen' };
const REAP = { name: 'reap' };

/** The plan of PID 1 itself. Pure. Source: signalfd(2), wait4(2), waitid(2), pid_namespaces(7). */
export function reaperPlan(process: Process): Plan {
  const [child, others, deaths] = [result('child'), result('others'), result('deaths')];
  const mask = buffer('mask', 8);
  return plan('init', [
    call('prctl', [flags('PR_SET_NAME'), text('cloche-init'), 0, 0, 0], 'how `ps` shows us'),
    call(
      'fcntl',
      [PLAN_FD, flags('F_SETFD'), 1],
      'FD_CLOEXEC: our plan is nothing for the program',
    ),
    // Where the container has no PID namespace of its own, orphans come to us all the same.
    call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'orphans are ours'),
    call('rt_sigprocmask', [SIG_SETMASK, ALL, pointer(mask), 8], 'signals wait until we look'),
    call('signalfd4', [-1, DEATHS, 8, SFD], 'the end of children, as something to read', {
      save: deaths,
    }),
    call('signalfd4', [-1, OTHERS, 8, SFD], 'and what is meant for the program', { save: others }),
    call('clone', [flags('SIGCHLD'), 0, 0, 0, 0], 'the program’s process', {
      save: child,
      jump: { on: 'zero', to: CHILD },
    }),
    ...listening(child, others, deaths),
    ...reaping(child),
    ...programSteps(process, mask),
  ]);
}

const PR_SET_CHILD_SUBREAPER = 36;
const SIG_SETMASK = 2;
const SIGCHLD_BIT = 1n << 16n;
/** SFD_NONBLOCK and SFD_CLOEXEC are open(2)'s. */
const SFD = flags('O_NONBLOCK', 'O_CLOEXEC');
const ALL = signals(~0n, '~{}');
const DEATHS = signals(SIGCHLD_BIT, '{SIGCHLD}');
const OTHERS = signals(~SIGCHLD_BIT, '~{SIGCHLD}');

/** A kernel's `sigset_t`: bit n - 1 is signal n. */
function signals(bits: bigint, shown: string) {
  return pointer(block('signals', [BigInt.asUintN(64, bits)], { shown }));
}

/** Waits for signals; what is not about a child's end goes to the program. */
function listening(child: Value, others: Value, deaths: Value): Step[] {
  const POLLIN = 1;
  const fds = block('fds', [int32(-1, POLLIN), int32(-1, POLLIN)]);
  const [first, second] = [value(fds, 0, 'i32'), value(fds, 8, 'i32')];
  const info = buffer('info', 128);
  return [
    call('value', [others], 'watch it', { save: first }),
    call('value', [deaths], 'watch it', { save: second }),
    call('ppoll', [pointer(fds), 2, 0, 0, 0], 'wait for a signal', {
      label: LISTEN,
      tolerate: 'any',
    }),
    call('read', [others, pointer(info), 128], 'is it for the program?', {
      tolerate: 'any',
      jump: { on: 'negative', to: REAP },
    }),
    call('kill', [child, value(info, 0, 'i32')], 'hand it on', { tolerate: 'any' }),
    jump(LISTEN, 'until the next one'),
    // One SIGCHLD may stand for many deaths.
    call('read', [deaths, pointer(info), 128], 'somebody may have died: the sign of it is taken', {
      label: REAP,
      tolerate: 'any',
    }),
  ];
}

/** Buries whoever has died, and ends with the program's own exit code once that is among them. */
function reaping(child: Value): Step[] {
  const status = buffer('status', 16);
  const again = { name: 'again' };
  const [ended, killed, dumped] = [{ name: 'ended' }, { name: 'killed' }, { name: 'dumped' }];
  const P_PID = 1;
  const WEXITED_WNOHANG_WNOWAIT = 0x1000005;
  const code = result('code');
  return [
    call('wait4', [-1, pointer(status, 8), flags('WNOHANG', '__WALL'), 0], 'bury one that died', {
      label: again,
      tolerate: 'any',
      jump: { on: 'zero', to: LISTEN },
    }),
    call(
      'waitid',
      [P_PID, child, pointer(buffer('siginfo', 128)), WEXITED_WNOHANG_WNOWAIT, 0],
      'ECHILD: it was the program that we have buried',
      { jump: { on: 'negative', to: ended } },
    ),
    jump(again, 'there may be more'),
    // The lowest byte of a wait status, read as the highest of a number: 0 for who has left by itself.
    call('value', [value(status, 5, 'i32')], 'was it killed?', {
      label: ended,
      tolerate: 'any',
      jump: { on: 'positive', to: killed },
    }),
    call('value', [value(status, 5, 'i32')], 'and left a core?', {
      tolerate: 'any',
      jump: { on: 'negative', to: dumped },
    }),
    call('exit_group', [value(status, 9, 'i32')], 'as the program has ended'),
    call('exit_group', [value(status, 8, 'i32')], 'signal + 128, which is the mark of the core', {
      label: dumped,
    }),
    // A walker cannot add, but a file's offset can be moved.
    call('lseek', [PLAN_FD, value(status, 8, 'i32'), 0], 'the signal', { label: killed }),
    call('lseek', [PLAN_FD, 128, 1], 'and 128 more, as shells say it', { save: code }),
    call('exit_group', [code], 'as the program has ended'),
  ];
}

/** The child: a group of its own, in the terminal's foreground if there is one; then the program. */
function programSteps(process: Process, mask: ReturnType<typeof buffer>): Step[] {
  const group = block('group', [], { size: 8 });
  const TIOCSPGRP = 0x5410;
  const [missing, refused] = [{ name: 'missing' }, { name: 'refused' }];
  const argv = process.args ?? [];
  const name = argv[0] ?? '';
  const files = programFiles(process);
  return [
    call('setpgid', [0, 0], 'a group of its own', { label: CHILD, tolerate: 'any' }),
    call('getpid', [], 'whose number is', { save: value(group, 0) }),
    call('ioctl', [0, TIOCSPGRP, pointer(group)], 'to which the terminal’s keys are sent', {
      tolerate: 'any',
    }),
    call('rt_sigprocmask', [SIG_SETMASK, pointer(mask), 0, 8], 'signals come again'),
    ...files.map((file, i) =>
      call(
        'execve',
        [text(file), texts(argv), texts(process.env ?? [])],
        `become ${argv.join(' ')}`,
        {
          tolerate: ['EACCES', 'EPERM', 'ENOEXEC', ...(i < files.length - 1 ? NOT_THERE : [])],
          onFail: missing,
        },
      ),
    ),
    ...saying(`cloche-init: exec: "${name}": permission denied\n`, 126, refused),
    ...saying(`cloche-init: exec: "${name}": executable file not found in $PATH\n`, 127, missing),
  ];
}

const NOT_THERE = ['ENOENT', 'ENOTDIR'] as const;

function saying(message: string, code: number, here: { readonly name: string }): Step[] {
  const length = Buffer.byteLength(message);
  return [
    call('write', [2, text(message), length], 'why there is no program', {
      label: here,
      tolerate: 'any',
    }),
    call('exit_group', [code], 'docker’s code for that'),
  ];
}
