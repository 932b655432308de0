import { ClocheError } from '../../error.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import { getContainer } from '../life/records.ts';
import { addressOf } from '../network/attach.ts';
import type { RunOptions } from '../options.ts';
import { parseVolume } from '../volumes/index.ts';

/** What a container has of others, as `--volumes-from` and `--link` say it. */
export interface Others {
  /** `NAME[:ro|:rw]` */
  readonly volumesFrom: readonly string[];
  /** `NAME[:alias]` */
  readonly links: readonly string[];
}

/**
 * The options with what others give: their volumes, where nothing else is wanted, and lines of
 * `/etc/hosts` with the addresses that they have now.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_RUNNING`, `VOLUME_INVALID`
 */
export function withOthers(engine: Engine, options: RunOptions, others: Others): RunOptions {
  const own = new Set(options.volumes.map((volume) => parseVolume(volume).target));
  const theirs = others.volumesFrom.flatMap((text) => volumesOf(engine, text));
  const linked = others.links.flatMap((text) => hostsOf(engine, text));
  return {
    ...options,
    volumes: [
      ...options.volumes,
      ...theirs.filter(({ target }) => !own.has(target)).map(({ volume }) => volume),
    ],
    hosts: [...(options.hosts ?? []), ...linked],
  };
}

function volumesOf(engine: Engine, text: string) {
  const [name = '', access] = text.split(/:(.*)/s, 2);
  if (access !== undefined && access !== 'ro' && access !== 'rw')
    throw new ClocheError('VOLUME_INVALID', `invalid mode: ${access}`, {
      class: 'invalid-argument',
      hint: '--volumes-from takes NAME, NAME:ro or NAME:rw',
    });
  return getContainer(engine, name).options.volumes.map((volume) => {
    const { source, target, mode } = parseVolume(volume);
    const words = mode.split(',').filter((word) => word !== '' && word !== 'rw');
    const kept = access === 'ro' && !words.includes('ro') ? [...words, 'ro'] : words;
    return {
      target,
      volume: [source, target, ...(kept.length > 0 ? [kept.join()] : [])].join(':'),
    };
  });
}

/** docker's deprecated links, as far as they are names: the alias and the container's own. */
function hostsOf(engine: Engine, text: string) {
  const [name = '', alias = name] = text.split(':');
  const other = getContainer(engine, name);
  const address = isAlive(other) ? addressOf(engine, other.id) : undefined;
  if (address === undefined)
    throw new ClocheError(
      'CONTAINER_NOT_RUNNING',
      `cannot link to a non running container: ${other.name}, or it is not on the bridge`,
      { class: 'conflict', hint: `cloche start ${other.name}` },
    );
  return [...new Set([alias, other.name, other.id.slice(0, 12)])].map((host) => ({
    name: host,
    address,
  }));
}
