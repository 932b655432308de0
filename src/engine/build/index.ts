import type { RunCommand } from '../../build/index.ts';
import type { Engine } from '../engine.ts';
import type { BuildShell } from './shell.ts';

export type { BuildShell, OpenShell } from './shell.ts';

/**
 * How the builder runs a RUN: in a container of the active snapshot that ends with it. Where it fails
 * `shell`, if there is one, is shown what it left. What makes containers is loaded by the first RUN that is
 * not cached, and only before that has a build to see which containers have ended.
 */
export function runCommandOf(engine: Engine, shell?: BuildShell): RunCommand {
  let settling: Promise<void> | undefined;
  return async (run) => {
    const { performRun } = await import('./run.ts');
    settling ??= import('../life/settle.ts').then(({ settleAll }) => settleAll(engine));
    await settling;
    return performRun(engine, run, shell);
  };
}
