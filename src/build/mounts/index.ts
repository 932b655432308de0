export type { FileDress, LayeredMount, ReadyMount } from './mount.ts';
export type { ReadyMounts } from './prepare.ts';
export {
  type AgentSource,
  NO_SECRETS,
  readAgents,
  readSecrets,
  type Secrets,
} from './secrets.ts';
