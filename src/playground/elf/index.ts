export { type Closure, closure, type Missing, type RootFiles } from './closure.ts';
export { type Elf, isElf, readElf } from './read.ts';
