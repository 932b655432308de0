import type { RunCommand } from '../../build/index.ts';
import type { Engine } from '../engine.ts';
import type { BuildShell } from './shell.ts';

export type { BuildShell, OpenShell } from './shell.ts';

/**
 * How the builder runs a RUN: in a container of the active snapshot that ends with it. Where it fails
 * `shell`, if there is one, is shown what it left. What makes containers is loaded by the first RUN that is
 * not cached.
 */
export function runCommandOf(engine: Engine, shell?: BuildShell): RunCommand {
  return async (run) => (await import('./run.ts')).performRun(engine, run, shell);
}
