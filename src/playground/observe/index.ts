export { type Answer, ask } from './answer.ts';
export {
  type CgroupFolder,
  cgroupFile,
  cgroupFolders,
  cgroupMounts,
  cgroupOf,
  keyed,
} from './cgroup.ts';
export { type Containers, lookAt, Playground } from './playground.ts';
export { type Probed, probe } from './probe.ts';
export {
  allProcesses,
  described,
  mappedFiles,
  NAMESPACES,
  type NamespaceName,
  namespaceOf,
  openFiles,
  type ProcessView,
  readProcess,
} from './process.ts';
export { attempt, type FileId, fileId, RootView } from './root.ts';
export type { BuildView, ContainerView, ImageView, Workshop } from './workshop.ts';
