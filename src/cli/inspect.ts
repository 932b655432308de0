import { Command, Option } from 'commander';
import { type Engine, getContainer, openEngine, settleAll } from '../engine/index.ts';
import { inspectContainer } from '../engine/inspect.ts';
import { ClocheError } from '../error.ts';
import { getImage } from '../image/index.ts';
import { inspectImage } from '../image/inspect.ts';
import { formatWith } from './format/index.ts';
import { withZeros } from './format/zeros.ts';
import { printError } from './output.ts';
import { print } from './print.ts';

type Kind = 'container' | 'image';

/**
 * `cloche inspect`: everything that is known of containers and images, in docker's JSON. `cloche
 * image inspect` and `cloche container inspect` look for one kind alone.
 */
export function inspectCommand(only?: Kind): Command {
  const command = new Command('inspect')
    .description(
      `Show all that is known of ${only === undefined ? 'containers and images' : `${only}s`}`,
    )
    .argument('<name...>', 'names or ids')
    .option('-f, --format <template>', 'json, or a Go template');
  if (only === undefined)
    command.addOption(
      new Option('--type <kind>', 'look for one kind alone').choices(['container', 'image']),
    );
  return command.action(async (names: string[], flags: { format?: string; type?: Kind }) => {
    const engine = openEngine();
    await settleAll(engine);
    inspected(names, (name) => inspect(engine, name, only ?? flags.type), flags.format);
  });
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

/** A container before an image, as docker looks for them. @throws {ClocheError} `OBJECT_NOT_FOUND` */
function inspect(engine: Engine, name: string, kind: Kind | undefined): unknown {
  const container = () => inspectContainer(engine, getContainer(engine, name));
  const image = () => inspectImage(engine.store, getImage(engine.store, name));
  if (kind === 'container') return container();
  if (kind === 'image') return image();
  for (const look of [container, image]) {
    try {
      return look();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  throw new ClocheError('OBJECT_NOT_FOUND', `no such object: ${name}`, {
    class: 'not-found',
    hint: 'cloche ps --all and cloche images list what there is',
  });
}

/** What cannot be an image's name, such as `Box`, is not there either. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof ClocheError &&
    ['CONTAINER_NOT_FOUND', 'IMAGE_NOT_FOUND', 'REFERENCE_INVALID'].includes(error.code)
  );
}
