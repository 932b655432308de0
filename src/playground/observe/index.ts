export { cgroupFile, cgroupFolders, cgroupMounts, cgroupOf, keyed } from './cgroup.ts';
export { type Containers, lookAt, Playground } from './playground.ts';
export {
  allProcesses,
  cpuTime,
  described,
  mappedFiles,
  NAMESPACES,
  namespaceOf,
  openFiles,
  type ProcessView,
  readProcess,
} from './process.ts';
export { attempt, type FileId, fileId, RootView } from './root.ts';
