export { Cgroup, cgroupOf, openCgroup } from './cgroup.ts';
export {
  type CgroupMode,
  CONTROLLERS,
  type Controller,
  detectCgroups,
  type Hierarchies,
  type Hierarchy,
  parseHierarchies,
  parseProcCgroup,
} from './detect.ts';
export { prepareParent } from './prepare.ts';
export { DEFAULT_DEVICE_RULES, type DeviceRule, type LinuxResources } from './resources.ts';
export { settingsOf } from './settings.ts';
export type { CgroupStats } from './stats.ts';
export {
  type CgroupEntrance,
  type CgroupFolder,
  type CgroupSteps,
  cgroupSteps,
  entranceOf,
} from './steps.ts';
