import { Command, InvalidArgumentError } from 'commander';
import { type Found, registryName, searchImages } from '../image/registry/index.ts';
import { holds, parseFilters, truth } from './filters.ts';
import { many } from './flags.ts';
import { type Columns, list, type Row } from './format/index.ts';
import { interruptible } from './interrupt.ts';
import { print } from './print.ts';

/** `cloche search`: images of Docker Hub, or of a registry that is named before the term. */
export function searchCommand(): Command {
  return new Command('search')
    .description('Search Docker Hub for images')
    .argument('<term>', 'a word, or REGISTRY/word')
    .option('-f, --filter <key=value>', 'is-official, stars', many, [])
    .option('--format <format>', 'table, json, or a Go template')
    .option('--limit <number>', 'at most so many, 1 to 100', limit, 25)
    .option('--no-trunc', 'do not shorten')
    .option('--json', 'print JSON', false)
    .action(async (term: string, flags: Flags) => {
      const filters = parseFilters(flags.filter, ['is-official', 'stars']);
      const { domain, word } = placeOf(term);
      const found = await interruptible('the search', (signal) =>
        searchImages(domain, word, { limit: flags.limit, signal }),
      );
      const shown = found.filter(
        ({ isOfficial, stars }) =>
          holds(filters, 'is-official', (value) => truth('is-official', value) === isOfficial) &&
          holds(filters, 'stars', (least) => stars >= Number(least)),
      );
      if (flags.json) print(`${JSON.stringify(shown, null, 2)}\n`);
      else
        print(
          list(
            shown.map((one) => row(one, flags.trunc)),
            COLUMNS,
            flags.format,
          ),
        );
    });
}

interface Flags {
  readonly filter: readonly string[];
  readonly format?: string;
  readonly limit: number;
  readonly trunc: boolean;
  readonly json: boolean;
}

const COLUMNS: Columns = {
  headings: {
    Name: 'NAME',
    Description: 'DESCRIPTION',
    StarCount: 'STARS',
    IsOfficial: 'OFFICIAL',
  },
  shown: ['Name', 'Description', 'StarCount', 'IsOfficial'],
};

function row({ name, description, stars, isOfficial }: Found, short: boolean): Row {
  const line = description.replaceAll(/[\r\n]+/g, ' ');
  return {
    Name: name,
    Description: short && line.length > 45 ? `${line.slice(0, 44)}…` : line,
    StarCount: String(stars),
    IsOfficial: isOfficial ? '[OK]' : '',
  };
}

/** docker's rule: what has a dot or colon before the first slash, or is localhost, is a registry. */
function placeOf(term: string): { readonly domain: string; readonly word: string } {
  const [, host, word] = /^([^/]*[.:][^/]*|localhost)\/(.+)$/.exec(term) ?? [];
  if (host === undefined || word === undefined) return { domain: 'docker.io', word: term };
  return { domain: registryName(host), word };
}

function limit(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 100) return number;
  throw new InvalidArgumentError('it must be a whole number from 1 to 100.');
}
