import type { RunSpec } from '../../build/index.ts';
import { ClocheError } from '../../error.ts';
import { find, type Store, treeOf } from '../../image/index.ts';
import { toRaw } from '../../image/layer/scan.ts';
import type { TerminalSize } from '../../linux/winsize.ts';

/** Somebody who wants to look round where a RUN has failed, before what it did is thrown away. */
export interface BuildShell {
  /** Whether they sit at a terminal; else the shell reads what comes on our standard input. */
  readonly tty: boolean;
  /** The fds of ours that the shell gets as its 0, 1 and 2. */
  readonly stdio: readonly [number, number, number];
  /**
   * Shows the shell that `open` starts, and resolves when it has ended; `open` rejects where none can be
   * started. The build waits for it and then fails, whatever the shell's exit code.
   *
   * @param why the failure, in a line.
   */
  show(why: string, open: () => Promise<OpenShell>, signal: AbortSignal): Promise<void>;
  size(): TerminalSize | undefined;
}

/** A shell that was started. */
export interface OpenShell {
  readonly exited: Promise<number>;
  resize(size: TerminalSize): void;
}

/** Programs that can be talked to, by name. */
const SHELL = /(^|\/)(ba|da|a|z|k|fi|c|tc)?sh$/;

/**
 * The shell that a command ran in; of a command without one, the first that its root has.
 *
 * @throws {ClocheError} `SHELL_NOT_FOUND`
 */
export function shellOf(store: Store, { argv, snapshot }: RunSpec): string {
  const own = argv[0] ?? '';
  const tree = treeOf(store, snapshot.parent, snapshot.upper);
  const candidates = [...(SHELL.test(own) ? [own] : []), '/bin/bash', '/bin/sh', '/busybox/sh'];
  const found = candidates.find(
    (path) => path.startsWith('/') && find(tree, toRaw(path)) !== undefined,
  );
  if (found !== undefined) return found;
  throw new ClocheError('SHELL_NOT_FOUND', `there is no shell in there: ${candidates.join(', ')}`, {
    class: 'not-found',
    hint: 'Stand the stage on a base that has one while you look, such as gcr.io/distroless/…:debug.',
  });
}
