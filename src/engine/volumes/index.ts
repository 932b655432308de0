export { chooseVolumes, makeVolumes, volumeMount } from './mounts.ts';
export { isAnonymous, isReadOnly, parseVolume, type VolumeSpec } from './spec.ts';
export {
  ensureVolume,
  getVolume,
  listVolumes,
  newVolumeName,
  removeAnonymous,
  removeVolume,
  usedVolumes,
  type Volume,
} from './volumes.ts';
