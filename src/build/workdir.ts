import { type ActiveSnapshot, type Store, treeOf } from '../image/index.ts';
import { toRaw } from '../image/layer/scan.ts';
import { walk } from '../image/tree.ts';
import { makeAll } from './copy/destination.ts';
import { ownerOrRoot } from './copy/owner.ts';
import { UpperLayer } from './copy/upper.ts';
import type { Operation } from './graph.ts';

/** A WORKDIR: makes what is missing of it, for the user that USER says. */
export async function makeWorkdir(
  store: Store,
  { path, user }: Extract<Operation, { kind: 'workdir' }>,
  active: ActiveSnapshot,
): Promise<void> {
  const tree = treeOf(store, active.parent, active.upper);
  const upper = new UpperLayer(tree);
  makeAll(upper, walk(tree, toRaw(path)), ownerOrRoot(tree, user ?? ''));
  await upper.finish();
}
