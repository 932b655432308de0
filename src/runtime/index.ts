export type { Birth, CgroupSteps, Io, NetworkSteps } from './birth/birth.ts';
export { type ContainerPlan, containerPlan } from './birth/container.ts';
export { type Entry, execPlan } from './birth/exec.ts';
export type { MemoryFile, MemoryFiles } from './birth/memory.ts';
export type { Machine } from './birth/process.ts';
export type { RootSource } from './birth/rootfs.ts';
export { ownMachine } from './machine.ts';
export type * from './spec.ts';
