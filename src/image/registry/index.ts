export { attemptPull } from './attempt.ts';
export { eraseCredentials, findCredentials } from './credentials.ts';
export type { Credentials } from './identity.ts';
export { login, registryName } from './login.ts';
export { parsePlatform } from './platform.ts';
export type { OnTransfer, TransferEvent } from './progress.ts';
export { openRemote, type Pulled, type PullOptions, pullImage, tagsOf } from './pull.ts';
export { localTags, type Pushed, type PushOptions, pushImages, pushManifest } from './push.ts';
export { type Found, type SearchOptions, searchImages } from './search.ts';
