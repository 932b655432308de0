import type { Image, ImageUser } from '../../image/index.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import { allContainers } from '../life/records.ts';

/** Says of an image which containers were made from it; as of now, so for one command only. */
export function usersOf(engine: Engine): (image: Pick<Image, 'id'>) => ImageUser[] {
  const containers = allContainers(engine);
  return ({ id }) =>
    containers
      .filter(({ imageId }) => imageId === id)
      .map((one) => ({ id: one.id.slice(0, 12), running: isAlive(one) }));
}
