export { pause, processes, resume, stats, update } from './control.ts';
export { create, run } from './create.ts';
export { type ExecOptions, exec } from './exec.ts';
export type { CreateOptions } from './follow.ts';
export { kill, remove, start } from './lifecycle.ts';
export { allRecords, listed, readRecord } from './state.ts';
