export { type ExecOptions, exec } from './exec.ts';
export { type CreateOptions, create, kill, remove, run, start } from './lifecycle.ts';
export { allRecords, readRecord, type State, stateOf } from './state.ts';
