export { type Analysis, analyse, type Instruction, type WastedFile } from './analyse.ts';
export { type Comparison, compare, type Difference, EMPTY, type Group } from './compare.ts';
export type { Change } from './merge.ts';
export { type Nested, nest } from './nest.ts';
