import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import { hexOf, type Image, listImages } from '../image/index.ts';
import { duration, size, table } from './output.ts';

/** `cloche images`: what there is to run. */
export function imagesCommand(): Command {
  return new Command('images')
    .description('List images')
    .option('-q, --quiet', 'only show IDs', false)
    .option('--json', 'print JSON', false)
    .action((flags: { quiet: boolean; json: boolean }) => {
      const images = listImages(openEngine().store);
      if (flags.json) process.stdout.write(`${JSON.stringify(images, null, 2)}\n`);
      else if (flags.quiet) for (const image of images) process.stdout.write(`${idOf(image)}\n`);
      else process.stdout.write(table(HEADINGS, images.flatMap(rows)));
    });
}

const HEADINGS = ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'];

/** One row a name; an image that has lost its name still has one. */
function rows(image: Image): string[][] {
  const names = image.tags.length === 0 ? ['<none>:<none>'] : image.tags;
  return names.map((name) => {
    const at = name.lastIndexOf(':');
    const age = `${duration(Date.now() - image.created.getTime())} ago`;
    return [name.slice(0, at), name.slice(at + 1), idOf(image), age, size(image.size)];
  });
}

function idOf({ id }: Image): string {
  return hexOf(id).slice(0, 12);
}
