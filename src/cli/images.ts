import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import {
  configOf,
  familiarName,
  getImage,
  hexOf,
  type Image,
  listImages,
  parseReference,
  type Store,
  withTag,
} from '../image/index.ts';
import { type Filters, hasLabel, holds, holdsAll, parseFilters, timeOf, truth } from './filters.ts';
import { many } from './flags.ts';
import { type Columns, list, type Row } from './format/index.ts';
import { ago, size } from './output.ts';
import { print } from './print.ts';

/** `cloche images`: what there is to run. */
export function imagesCommand(): Command {
  return new Command('images')
    .description('List images')
    .argument('[repository]', 'only those of this name, or repository:tag')
    .option('-a, --all', 'accepted: there are no hidden images', false)
    .option('--digests', 'show the digests of manifests', false)
    .option(
      '-f, --filter <key=value>',
      'dangling, reference, label, before, since, until',
      many,
      [],
    )
    .option('--format <format>', 'table, json, or a Go template')
    .option('--no-trunc', 'do not shorten')
    .option('-q, --quiet', 'only show IDs', false)
    .option('--json', 'print JSON', false)
    .action((repository: string | undefined, flags: Flags) => {
      const { store } = openEngine();
      const filters = parseFilters(flags.filter, FILTERS);
      const images = chosen(store, filters).map((image) => named(image, filters, repository));
      const shown = images.filter((image) => image !== undefined);
      if (flags.json) print(`${JSON.stringify(shown, null, 2)}\n`);
      else print(printed(shown, flags));
    });
}

interface Flags {
  readonly digests: boolean;
  readonly filter: string[];
  readonly format?: string;
  readonly trunc: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

const FILTERS = ['dangling', 'reference', 'label', 'before', 'since', 'until'];

/** The images that the filters leave, names aside. */
function chosen(store: Store, filters: Filters): Image[] {
  const madeAt = (name: string) => getImage(store, name).created.getTime();
  return listImages(store).filter((image) => {
    const at = image.created.getTime();
    return (
      holds(filters, 'dangling', (value) => truth('dangling', value) === !isNamed(image)) &&
      holds(filters, 'before', (name) => at < madeAt(name)) &&
      holds(filters, 'since', (name) => at > madeAt(name)) &&
      holds(filters, 'until', (time) => at < timeOf(time)) &&
      holdsAll(filters, 'label', (label) =>
        hasLabel(configOf(store, image).config.Labels ?? {}, label),
      )
    );
  });
}

function isNamed({ tags }: Image): boolean {
  return tags.length > 0;
}

/** The image with only the names that were asked for; undefined if none of its names was. */
function named(image: Image, filters: Filters, repository: string | undefined): Image | undefined {
  if (repository === undefined && !filters.has('reference')) return image;
  const wanted = repository === undefined ? undefined : parseReference(repository);
  const name = wanted === undefined ? undefined : familiarName(wanted);
  const tags = image.tags.filter((tag) => {
    const reference = withTag(parseReference(tag));
    const isWanted =
      wanted === undefined ||
      (familiarName(reference) === name &&
        (wanted.tag === undefined || wanted.tag === reference.tag) &&
        (wanted.digest === undefined || wanted.digest === image.manifest));
    return isWanted && holds(filters, 'reference', (pattern) => isLike(tag, pattern));
  });
  return tags.length === 0 ? undefined : { ...image, tags };
}

/** docker's patterns: with a tag or without, `*` and `?` not beyond a slash. */
function isLike(tag: string, pattern: string): boolean {
  const glob = new Bun.Glob(pattern);
  return glob.match(tag) || glob.match(familiarName(parseReference(tag)));
}

const COLUMNS: Columns = {
  headings: {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    Digest: 'DIGEST',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    Size: 'SIZE',
  },
  shown: ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size'],
};

function printed(images: readonly Image[], flags: Flags): string {
  const rows = images.flatMap((image) => rowsOf(image, flags));
  if (flags.quiet) return [...new Set(rows.map(({ ID }) => `${ID}\n`))].join('');
  const shown = flags.digests ? COLUMNS.shown.toSpliced(2, 0, 'Digest') : COLUMNS.shown;
  return list(rows, { ...COLUMNS, shown }, flags.format);
}

/** One row a name; an image that has lost its name still has one. */
function rowsOf(image: Image, flags: Flags): Row[] {
  const names = isNamed(image) ? image.tags : ['<none>:<none>'];
  return names.map((name) => {
    const at = name.lastIndexOf(':');
    return {
      Repository: name.slice(0, at),
      Tag: name.slice(at + 1),
      Digest: image.manifest,
      ID: flags.trunc ? hexOf(image.id).slice(0, 12) : image.id,
      CreatedSince: ago(image.created),
      CreatedAt: image.created.toISOString(),
      Size: size(image.size),
    };
  });
}
