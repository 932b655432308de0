import type { Container, Engine } from '../../engine/index.ts';
import { stateOf } from '../../engine/life/state.ts';
import {
  type CacheItem,
  type DiskItems,
  diskItems,
  type ImageItem,
} from '../../engine/look/disk-items.ts';
import { parseVolume } from '../../engine/volumes/index.ts';
import { hexOf } from '../../image/index.ts';
import { duration, size, table } from '../output.ts';
import { statusOf } from '../ps.ts';

/** `cloche system df -v`: each thing by itself, in docker's four tables. */
export function verboseText(engine: Engine): string {
  const { images, containers, volumes, cache } = diskItems(engine);
  const used = cache.reduce((sum, { size: bytes }) => sum + bytes, 0);
  return [
    'Images space usage:\n',
    table(IMAGES, images.flatMap(imageRows)),
    'Containers space usage:\n',
    table(
      CONTAINERS,
      containers.map((one) => containerRow(engine, one)),
    ),
    'Local Volumes space usage:\n',
    table(
      ['VOLUME NAME', 'LINKS', 'SIZE'],
      volumes.map(({ volume, links, size: bytes }) => [volume.name, String(links), size(bytes)]),
    ),
    `Build cache usage: ${size(used)}\n`,
    table(CACHE, cache.map(cacheRow)),
  ].join('\n');
}

/** The same for programs, in the names of docker's template. */
export function verboseShape(engine: Engine) {
  const { images, containers, volumes, cache } = diskItems(engine);
  return {
    Images: images.flatMap((item) => imageRows(item).map((row) => named(IMAGES, row))),
    Containers: containers.map((one) => named(CONTAINERS, containerRow(engine, one))),
    Volumes: volumes.map(({ volume, links, size: bytes }) => ({
      Name: volume.name,
      Links: links,
      Size: bytes,
    })),
    BuildCache: cache,
  };
}

const IMAGES = [
  ...['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'],
  ...['SHARED SIZE', 'UNIQUE SIZE', 'CONTAINERS'],
];
const CONTAINERS = [
  ...['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES'],
  ...['SIZE', 'CREATED', 'STATUS', 'NAMES'],
];
const CACHE = ['CACHE ID', 'CACHE TYPE', 'SIZE', 'LAST USED', 'SHARED'];

/** `IMAGE ID` → `ImageId` */
function named(headings: readonly string[], row: readonly string[]): Record<string, string> {
  const keys = headings.map((heading) =>
    heading.toLowerCase().replace(/(?:^| )./g, (letter) => letter.trim().toUpperCase()),
  );
  return Object.fromEntries(keys.map((key, i) => [key, row[i] ?? '']));
}

/** One for each name. */
function imageRows({ image, shared, unique, containers }: ImageItem): string[][] {
  const names = image.tags.length > 0 ? image.tags : ['<none>:<none>'];
  return names.map((name) => {
    const at = name.lastIndexOf(':');
    const sizes = [image.size, shared, unique].map(size);
    const about = [hexOf(image.id).slice(0, 12), ago(image.created.getTime())];
    return [name.slice(0, at), name.slice(at + 1), ...about, ...sizes, String(containers)];
  });
}

function containerRow(
  engine: Engine,
  { container, size: bytes }: DiskItems['containers'][number],
): string[] {
  const { id, image, command, options, created, name } = container;
  const volumes = options.volumes.map(parseVolume).filter(({ isVolume }) => isVolume);
  return [
    ...[id.slice(0, 12), image, shortened(command), String(volumes.length), size(bytes)],
    ...[ago(created.getTime()), statusOf(container, stateOf(engine, container)), name],
  ];
}

function shortened(command: Container['command']): string {
  const line = command.join(' ');
  return JSON.stringify(line.length > 20 ? `${line.slice(0, 19)}…` : line);
}

function cacheRow({ id, kind, size: bytes, used, isShared }: CacheItem): string[] {
  return [id.replace(/^sha256:/, '').slice(0, 12), kind, size(bytes), ago(used), String(isShared)];
}

function ago(time: number): string {
  return `${duration(Date.now() - time)} ago`;
}
