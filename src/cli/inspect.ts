import { Command, Option } from 'commander';
import {
  type Container,
  type Engine,
  getContainer,
  openEngine,
  settleAll,
} from '../engine/index.ts';
import { inspectContainer } from '../engine/look/inspect.ts';
import { getVolume } from '../engine/volumes/index.ts';
import { ClocheError } from '../error.ts';
import { getImage, listImages } from '../image/index.ts';
import { inspectImage } from '../image/inspect.ts';
import { formatWith } from './format/index.ts';
import { withZeros } from './format/zeros.ts';
import { printError } from './output.ts';
import { print } from './print.ts';
import { volumeShape } from './volume/shape.ts';

type Kind = 'container' | 'image' | 'volume';

const KINDS: readonly Kind[] = ['container', 'image', 'volume'];

/**
 * `cloche inspect`: everything that is known of containers, images and volumes, in docker's JSON.
 * `cloche image inspect` and `cloche container inspect` look for one kind alone.
 */
export function inspectCommand(only?: Kind): Command {
  const command = new Command('inspect')
    .description(
      `Show all that is known of ${only === undefined ? 'containers, images and volumes' : `${only}s`}`,
    )
    .argument('<name...>', 'names or ids')
    .option('-f, --format <template>', 'json, or a Go template');
  if (only !== 'image') command.option('-s, --size', 'say how much containers have written', false);
  if (only === undefined)
    command.addOption(new Option('--type <kind>', 'look for one kind alone').choices(KINDS));
  return command.action(async (names: string[], flags: Flags) => {
    const engine = openEngine();
    await settleAll(engine);
    const kind = only ?? flags.type;
    const looks = looksOf(engine, flags.size === true ? await sizesOf(engine) : () => ({}));
    inspected(names, (name) => inspect(looks, name, kind), flags.format);
  });
}

interface Flags {
  readonly format?: string;
  readonly size?: boolean;
  readonly type?: Kind;
}

/** Prints what there is of each name, and then which of them are not there. */
export function inspected(
  names: readonly string[],
  look: (name: string) => unknown,
  format: string | undefined,
): void {
  const found: unknown[] = [];
  const missing: unknown[] = [];
  for (const name of names) {
    try {
      found.push(look(name));
    } catch (error) {
      missing.push(error);
    }
  }
  print(printed(found, format));
  for (const error of missing) process.exitCode = printError(error);
}

function printed(found: readonly unknown[], format: string | undefined): string {
  if (format === undefined) return `${JSON.stringify(found, null, 4)}\n`;
  if (format === 'json') return `${JSON.stringify(found)}\n`;
  const render = formatWith(format);
  return found.map((one) => `${render(withZeros(one))}\n`).join('');
}

type Looks = Readonly<Record<Kind, (name: string) => unknown>>;

function looksOf(engine: Engine, sizes: (container: Container) => object): Looks {
  return {
    container: (name) => {
      const container = getContainer(engine, name);
      return { ...inspectContainer(engine, container), ...sizes(container) };
    },
    image: (name) => inspectImage(engine.store, getImage(engine.store, name)),
    volume: (name) => volumeShape(getVolume(engine, name)),
  };
}

/** Bytes that a container has written, and those of its image with them. */
async function sizesOf(engine: Engine): Promise<(container: Container) => object> {
  // Loaded when needed: who counts bytes knows of more than of containers.
  const { containerSize } = await import('../engine/look/disk-use.ts');
  const images = listImages(engine.store);
  return (container) => {
    const written = containerSize(engine, container);
    const image = images.find(({ id }) => id === container.imageId)?.size ?? 0;
    return { SizeRw: written, SizeRootFs: image + written };
  };
}

/** A container before an image before a volume, as docker looks for them. @throws {ClocheError} `OBJECT_NOT_FOUND` */
function inspect(looks: Looks, name: string, kind: Kind | undefined): unknown {
  if (kind !== undefined) return looks[kind](name);
  for (const one of KINDS) {
    try {
      return looks[one](name);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  throw new ClocheError('OBJECT_NOT_FOUND', `no such object: ${name}`, {
    class: 'not-found',
    hint: 'cloche ps --all, cloche images and cloche volume ls list what there is',
  });
}

const MISSING = [
  ...['CONTAINER_NOT_FOUND', 'IMAGE_NOT_FOUND', 'REFERENCE_INVALID'],
  ...['VOLUME_NOT_FOUND', 'VOLUME_INVALID'],
];

/** What cannot be an image's name, such as `Box`, is not there either. */
function isMissing(error: unknown): boolean {
  return error instanceof ClocheError && MISSING.includes(error.code);
}
