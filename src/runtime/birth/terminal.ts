import {
  block,
  call,
  flags,
  int32,
  pointer,
  result,
  type Step,
  text,
  type Value,
} from '../../linux/plan/index.ts';
import { type TerminalSize, winsizeBytes } from '../../linux/winsize.ts';
import { attach, openInRoot, openOrMake } from './paths.ts';

/** The two ends of a pseudo-terminal inside the container's own devpts. */
export interface Terminal {
  /** Fds of the process inside. */
  readonly master: Value;
  readonly slave: Value;
  /** The shim's fd of the master. */
  readonly ours: Value;
}

export function openedTerminal(): Terminal {
  return { master: result('master'), slave: result('slave'), ours: result('terminal') };
}

/**
 * Opens a pseudo-terminal of the container's devpts. The slave comes from the master itself
 * (TIOCGPTPEER), so that a `/dev/pts/0` that somebody has replaced is never opened
 * (CVE-2025-52565). Source: ioctl_tty(2), pts(4).
 */
export function openTerminal(
  root: Value,
  terminal: Terminal,
  size: TerminalSize | undefined,
): Step[] {
  const unlock = block('unlocked', [int32(0)], { shown: '[0]' });
  const steps = [
    openInRoot(root, '/dev/pts/ptmx', ['O_RDWR', 'O_NOCTTY'], 'a new pseudo-terminal', {
      save: terminal.master,
    }),
    call(
      'ioctl',
      [terminal.master, flags('TIOCSPTLCK'), pointer(unlock)],
      'its slave may be opened',
    ),
    call(
      'ioctl',
      [terminal.master, flags('TIOCGPTPEER'), flags('O_RDWR', 'O_NOCTTY', 'O_CLOEXEC')],
      'the slave, straight from the master and not by a path',
      { save: terminal.slave },
    ),
  ];
  if (size !== undefined) steps.push(resize(terminal.slave, size));
  return steps;
}

function resize(fd: Value, size: TerminalSize): Step {
  const winsize = block('winsize', [winsizeBytes(size)], {
    shown: `{${size.height} rows, ${size.width} columns}`,
  });
  return call('ioctl', [fd, flags('TIOCSWINSZ'), pointer(winsize)], 'as large as yours');
}

/** Puts the slave at `/dev/console`, where a container's first terminal is expected. */
export function consoleSteps(root: Value, slave: Value): Step[] {
  const [place, copy] = [result('console'), result('pts')];
  return [
    ...openOrMake(root, '/dev/console', 'file', place),
    call(
      'open_tree',
      [slave, text(''), flags('AT_EMPTY_PATH', 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC')],
      'the terminal as a mount',
      { save: copy },
    ),
    attach(copy, place, 'and it is /dev/console too'),
  ];
}

/** The process becomes a session's leader with this terminal, which is its 0, 1 and 2. */
export function takeTerminal(slave: Value, uid: number): Step[] {
  return [
    call('setsid', [], 'a session of its own'),
    call('ioctl', [slave, flags('TIOCSCTTY'), 0], 'whose terminal this is: now Ctrl-C means us'),
    call('fchown', [slave, uid, -1], 'the user may open it again', {
      tolerate: ['EPERM', 'EINVAL', 'EROFS'],
    }),
    ...[0, 1, 2].map((fd) =>
      call('dup3', [slave, fd, 0], `${['input', 'output', 'errors'][fd]} through the terminal`),
    ),
  ];
}
