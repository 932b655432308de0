export type { FileDress, LayeredMount, ReadyMount } from './mount.ts';
export { prepareMounts, type ReadyMounts } from './prepare.ts';
export { NO_SECRETS, readSecrets, type Secrets } from './secrets.ts';
