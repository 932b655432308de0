export { runCommandOf } from './run.ts';
export type { BuildShell, OpenShell } from './shell.ts';
