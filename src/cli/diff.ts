import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { changesOf } from '../engine/look/diff.ts';
import { print } from './print.ts';

/** `cloche diff`: the files that a container has added, changed and deleted. */
export function diffCommand(): Command {
  return new Command('diff')
    .description("Show changes to files on a container's filesystem")
    .argument('<container>')
    .option('--json', 'print JSON', false)
    .action(async (name: string, flags: { json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const changes = changesOf(engine, name);
      const lines = changes.map(({ kind, path }) => `${LETTERS[kind]} ${path}\n`).join('');
      print(flags.json ? `${JSON.stringify(changes, null, 2)}\n` : lines);
    });
}

const LETTERS = { added: 'A', changed: 'C', deleted: 'D' } as const;
