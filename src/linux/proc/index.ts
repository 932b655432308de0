export { type OpenFd, readFds } from './fds.ts';
export { type Mount, parseMountinfo, readMounts, unescapeOctal } from './mountinfo.ts';
export {
  NAMESPACE_NAMES,
  type NamespaceInodes,
  type NamespaceName,
  namespaceInode,
  readNamespaces,
} from './namespaces.ts';
export { listPids, parseCmdline, readCmdline } from './processes.ts';
export type { Pid } from './read.ts';
export { type Change, changes, type Snapshot, takeSnapshot } from './snapshot.ts';
export { type ProcessStat, parseStat, readStat } from './stat.ts';
export {
  type CapabilitySets,
  type Ids,
  type ProcessState,
  type ProcessStatus,
  parseStatus,
  readStatus,
} from './status.ts';
