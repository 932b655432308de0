export { adoptImage, type Foreign } from './adopt.ts';
export type { BaseOptions, BaseProgress } from './bases/make.ts';
export { BASE_NAMES } from './bases/recipe.ts';
export { collect, reconcile, type Swept, sweep } from './collect.ts';
export {
  type ChainId,
  chainOf,
  chainOfAll,
  type DiffId,
  type Digest,
  digestOf,
  hexOf,
  parseDigest,
} from './digest.ts';
export {
  composeImage,
  configOf,
  findImage,
  getImage,
  type Image,
  listImages,
  tagImage,
  writeImage,
} from './images.ts';
export {
  ARCHITECTURE,
  type ContainerConfig,
  type Descriptor,
  type Healthcheck,
  type HistoryEntry,
  type ImageConfig,
  type Manifest,
  type Platform,
} from './manifest.ts';
export { type PullPolicy, type ResolveOptions, resolveImage, standIn } from './pull.ts';
export {
  canonical,
  familiar,
  familiarName,
  parseReference,
  type Reference,
  withTag,
} from './reference.ts';
export { type ImageUser, type Removed, type RemoveOptions, removeImage } from './remove.ts';
export {
  type ActiveSnapshot,
  commit,
  discard,
  findActive,
  findSnapshot,
  prepare,
  type Snapshot,
  stackOf,
  treeOf,
} from './snapshots.ts';
export { exclusively, migrate } from './state/database.ts';
export { isDead, type Owner, ownerAt, ownOwner } from './state/owner.ts';
export { removeTree } from './state/remove-tree.ts';
export { isAnybodyWorking, whileWorking } from './state/work.ts';
export { openStore, type Store, temporaryPath } from './store.ts';
export { children, find, type Node, readNode, type Tree } from './tree.ts';
