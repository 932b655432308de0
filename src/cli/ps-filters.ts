import {
  allContainers,
  type Container,
  containerSide,
  type Engine,
  exposedPorts,
  getContainer,
  isAlive,
  parseExpose,
} from '../engine/index.ts';
import { stateOf } from '../engine/life/state.ts';
import { parseVolume } from '../engine/volumes/index.ts';
import { ClocheError } from '../error.ts';
import { configOf, type Image } from '../image/index.ts';
import { type Filters, hasLabel, holds, holdsAll } from './filters.ts';

/** What `ps --filter` knows, as docker does. */
export const FILTERS = [
  ...['status', 'name', 'id', 'ancestor', 'exited', 'before', 'since', 'network', 'label'],
  ...['volume', 'publish', 'expose', 'health'],
];

/** What else says which containers are meant. */
export interface Choice {
  readonly all: boolean;
  readonly latest: boolean;
  readonly last: number;
}

/**
 * The containers that are asked for, the newest first; a filter by status or exit code looks at those
 * too that do not run.
 *
 * @throws {ClocheError} `FILTER_INVALID`, `PORT_INVALID`, `CONTAINER_NOT_FOUND`
 */
export function chosenContainers(engine: Engine, filters: Filters, choice: Choice): Container[] {
  const last = choice.latest ? 1 : choice.last;
  const all = choice.all || last > 0 || filters.has('status') || filters.has('exited');
  const matches = [
    ...[byWhatItIs(engine, filters), byTime(engine, filters)],
    ...[byPorts(engine, filters), byHealth(filters)],
  ];
  const found = allContainers(engine).filter(
    (one) => (all || one.status === 'running') && matches.every((match) => match(one)),
  );
  return last > 0 ? found.slice(0, last) : found;
}

type Match = (container: Container) => boolean;

function byWhatItIs(engine: Engine, filters: Filters): Match {
  return (container) =>
    holds(filters, 'status', (value) => value === stateOf(engine, container)) &&
    holds(filters, 'name', (value) => isNamed(container.name, value)) &&
    holds(filters, 'id', (value) => container.id.startsWith(value)) &&
    holds(filters, 'ancestor', (value) => isFrom(container, value)) &&
    holds(filters, 'exited', (code) => String(container.exitCode ?? '') === code) &&
    holds(filters, 'network', (value) => container.options.network === value) &&
    holds(filters, 'volume', (value) => hasVolume(container, value)) &&
    holdsAll(filters, 'label', (label) => hasLabel(labelsOf(engine, container), label));
}

function byTime(engine: Engine, filters: Filters): Match {
  const createdAt = (name: string) => getContainer(engine, name).created.getTime();
  return ({ created }) =>
    holds(filters, 'before', (name) => created.getTime() < createdAt(name)) &&
    holds(filters, 'since', (name) => created.getTime() > createdAt(name));
}

/** `publish` looks at ports of the host, `expose` at the container's; docker knows those of what runs alone. */
function byPorts(engine: Engine, filters: Filters): Match {
  const wanted = (key: string) =>
    new Set((filters.get(key) ?? []).flatMap(parseExpose).map(containerSide));
  const [published, exposed] = [wanted('publish'), wanted('expose')];
  if (published.size + exposed.size === 0) return () => true;
  return (container) => {
    if (!isAlive(container)) return false;
    const outside = container.ports.map(({ hostPort, protocol }) =>
      containerSide({ port: hostPort, protocol }),
    );
    const { config } = configOf(engine.store, { id: container.imageId as Image['id'] });
    const inside = [
      ...container.ports.map(containerSide),
      ...exposedPorts(container.options, config),
    ];
    return outside.some((one) => published.has(one)) || inside.some((one) => exposed.has(one));
  };
}

/** There are no health checks here, so of each docker would say `none`. */
function byHealth(filters: Filters): Match {
  const kinds = ['starting', 'healthy', 'unhealthy', 'none'];
  const wrong = filters.get('health')?.find((value) => !kinds.includes(value));
  if (wrong !== undefined)
    throw new ClocheError('FILTER_INVALID', `invalid filter 'health=${wrong}'`, {
      class: 'invalid-argument',
      hint: `there are ${kinds.join(', ')}`,
    });
  return () => holds(filters, 'health', (value) => value === 'none');
}

/** docker's names begin with a slash, and what is asked for is a regular expression. */
function isNamed(name: string, wanted: string): boolean {
  try {
    const expression = new RegExp(wanted);
    return expression.test(name) || expression.test(`/${name}`);
  } catch {
    return name === wanted;
  }
}

/** By the image's name as `run` was given it, or the beginning of its id. */
function isFrom({ image, imageId }: Container, wanted: string): boolean {
  return image === wanted || image === `${wanted}:latest` || imageId.slice(7).startsWith(wanted);
}

/** By its name or directory outside, or by where it is inside. */
function hasVolume({ options }: Container, wanted: string): boolean {
  return options.volumes
    .map(parseVolume)
    .some(({ source, target }) => source === wanted || target === wanted);
}

/** A container has its image's labels, and its own. */
export function labelsOf(
  engine: Engine,
  { imageId, options }: Container,
): Readonly<Record<string, string>> {
  const { Labels } = configOf(engine.store, { id: imageId as Image['id'] }).config;
  return { ...Labels, ...options.labels };
}
