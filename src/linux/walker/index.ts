export { WALKER_BASE, walkerFile } from './elf.ts';
export { installedWalker } from './install.ts';
export { PLAN_FD } from './program.ts';
