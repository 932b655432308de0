export { parsePlatform } from './platform.ts';
export type { OnTransfer, TransferEvent } from './progress.ts';
export { type Pulled, type PullOptions, pullImage, tagsOf } from './pull.ts';
