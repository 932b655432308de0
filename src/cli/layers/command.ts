import { Command } from 'commander';
import { openEngine } from '../../engine/index.ts';
import { getImage, type Store } from '../../image/index.ts';
import { analyse, compare } from '../../image/layers/index.ts';
import { whole } from '../flags.ts';
import { print } from '../print.ts';
import { requireTerminal } from '../terminal.ts';
import { comparisonText } from './comparison.ts';
import { analysisForPrograms, comparisonForPrograms } from './programs.ts';
import { tableText } from './table.ts';
import { treeText } from './tree.ts';

/**
 * `cloche layers`: what each instruction of an image added, changed and deleted, and what of it is
 * carried along for nothing. With two images, what the second has left behind.
 */
export function layersCommand(): Command {
  return new Command('layers')
    .description('Show what each layer of an image holds and wastes, or how two images differ')
    .argument('<image>')
    .argument('[other]', 'show what this one no longer carries')
    .option('--tree', 'show the files of each layer, the largest first', false)
    .option('--depth <number>', 'how deep the tree is shown (0: all)', whole, 2)
    .option('-i, --browse', 'go through the files with the keyboard', false)
    .option('-a, --all', 'show every file, and instructions in full', false)
    .option('--json', 'print JSON', false)
    .action(async (name: string, other: string | undefined, flags: Flags) => {
      const { store } = openEngine();
      if (flags.browse) await browse(store, name);
      else if (other === undefined) print(oneImage(store, name, flags));
      else print(twoImages(store, name, other, flags));
    });
}

interface Flags {
  readonly tree: boolean;
  readonly depth: number;
  readonly browse: boolean;
  readonly all: boolean;
  readonly json: boolean;
}

function oneImage(store: Store, name: string, flags: Flags): string {
  const analysis = analyse(store, getImage(store, name));
  if (flags.json) return `${JSON.stringify(analysisForPrograms(analysis), null, 2)}\n`;
  if (flags.tree) return treeText(analysis, flags.depth);
  return tableText(analysis, flags.all);
}

function twoImages(store: Store, first: string, second: string, flags: Flags): string {
  const comparison = compare(store, getImage(store, first), getImage(store, second));
  if (flags.json) return `${JSON.stringify(comparisonForPrograms(comparison), null, 2)}\n`;
  return comparisonText(comparison, { first, second, all: flags.all });
}

async function browse(store: Store, name: string): Promise<void> {
  requireTerminal();
  const { browseLayers } = await import('./browse.ts');
  await browseLayers(name, analyse(store, getImage(store, name)));
}
