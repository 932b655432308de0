import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { usersOf } from '../engine/look/image-users.ts';
import { type Removed, removeImage } from '../image/index.ts';
import { forEachName } from './output.ts';
import { print } from './print.ts';

/** `cloche rmi`: take names away from images; an image goes with its last name. */
export function rmiCommand(): Command {
  return new Command('rmi')
    .description('Remove one or more images')
    .argument('<image...>')
    .option('-f, --force', 'remove it also when a container was made from it', false)
    .option('--no-prune', 'accepted: nothing but images and their layers goes')
    .action(async (names: string[], { force }: { force: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const remove = (name: string) =>
        printRemoved(removeImage(engine.store, name, { force, usedBy: usersOf(engine) }));
      await forEachName(names, remove, force ? 'IMAGE_NOT_FOUND' : undefined);
    });
}

/** docker's lines: `Untagged: app:1`, `Deleted: sha256:…`. */
export function printRemoved({ untagged, deleted }: Omit<Removed, 'freed'>): void {
  const lines = [
    ...untagged.map((name) => `Untagged: ${name}`),
    ...deleted.map((digest) => `Deleted: ${digest}`),
  ];
  for (const line of lines) print(`${line}\n`);
}
