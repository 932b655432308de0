import { findActive, treeOf } from '../../image/index.ts';
import { scan } from '../../image/layer/scan.ts';
import { find } from '../../image/tree.ts';
import { lookAt } from '../copy/live.ts';
import type { Engine } from '../engine.ts';
import { getContainer } from '../life/records.ts';

/** A path that a container has changed. */
export interface Changed {
  readonly kind: 'added' | 'changed' | 'deleted';
  /** From the container's root, as text. */
  readonly path: string;
}

/**
 * What a container has changed of its image's files, by path: read from the directory that its
 * overlay writes to. @throws {ClocheError} `CONTAINER_NOT_FOUND`
 */
export function changesOf(engine: Engine, name: string): Changed[] {
  const container = getContainer(engine, name);
  const active = findActive(engine.store, container.snapshot);
  if (active === undefined) return [];
  const below = active.parent === undefined ? undefined : treeOf(engine.store, active.parent);
  const changed: Changed[] = [];
  for (const { path, kind } of scan(active.upper, lookAt(container))) {
    const was = below !== undefined && find(below, path, { follow: false }) !== undefined;
    if (kind === 'whiteout' && !was) continue;
    changed.push({
      kind: kind === 'whiteout' ? 'deleted' : was ? 'changed' : 'added',
      path: `/${Buffer.from(path, 'latin1').toString('utf8')}`,
    });
  }
  return changed;
}
