import { findActive } from '../../image/index.ts';
import type { Engine } from '../engine.ts';
import { getContainer } from '../life/records.ts';
import { lookAt } from './live.ts';

/**
 * A container's file system as a tar archive, in pieces; it may run or not.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, and as `exportSnapshot`
 */
export async function* exportContainer(engine: Engine, name: string): AsyncGenerator<Buffer> {
  const { exportSnapshot } = await import('../../image/archive/index.ts');
  const container = getContainer(engine, name);
  const active = findActive(engine.store, container.snapshot);
  if (active === undefined) throw new Error(`container '${name}' has lost its files`);
  yield* exportSnapshot(engine.store, active, lookAt(container));
}
