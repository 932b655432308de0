import {
  type BuildOptions,
  type BuiltImage,
  buildAway,
  buildFiles,
  buildImage,
  filesArchive,
  readOutput,
  writeFiles,
} from '../../build/index.ts';
import { ClocheError } from '../../error.ts';
import { parseReference, type Store, withTag } from '../../image/index.ts';
import { writeFileAtomically } from '../../image/state/atomic.ts';
import { print } from '../print.ts';
import { output } from '../stream.ts';
import { transferView } from '../transfer.ts';
import { type BuildFlags, isQuiet } from './flags.ts';

/** Builds, and gives the result to whom `-o` says. */
export async function buildTo(
  store: Store,
  options: BuildOptions,
  flags: BuildFlags,
  signal: AbortSignal,
): Promise<void> {
  const { output: to, name } = readOutput(flags.output ?? 'type=image');
  const tags = [...flags.tag, ...(name === undefined ? [] : name.split(','))];
  requireName(flags.push || (to.type === 'image' && to.push), tags);
  if (to.type === 'local' || to.type === 'tar') {
    await buildFiles(store, options, (chain) =>
      to.type === 'local'
        ? writeFiles(store, chain, to.dest, signal)
        : output(pathOf(to), filesArchive(store, chain), signal),
    );
    return;
  }
  if (to.type !== 'image') {
    const { type } = to;
    // Loaded when needed: it knows of more forms than a build has to.
    const { archiveOf } = await import('../../image/archive/index.ts');
    const image = await buildAway(store, { ...options, tags }, (manifest, names) =>
      output(pathOf(to), archiveOf(store, [{ image: { manifest }, names }], type), signal),
    );
    report(image, flags);
    return;
  }
  const image = await buildImage(store, { ...options, tags });
  if (flags.push || to.push) await pushAll(store, tags, isQuiet(flags), signal);
  report(image, flags);
}

function requireName(isPushed: boolean, tags: readonly string[]): void {
  if (!isPushed || tags.length > 0) return;
  throw new ClocheError('FLAGS_INVALID', 'tag is needed when pushing to registry', {
    class: 'invalid-argument',
    hint: 'say where it goes: -t registry.example/name:tag',
  });
}

/** Names of one repository go together. */
async function pushAll(
  store: Store,
  tags: readonly string[],
  quiet: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { pushImages } = await import('../../image/registry/index.ts');
  const names = tags.map((tag) => withTag(parseReference(tag)));
  const repositories = Map.groupBy(names, ({ domain, path }) => `${domain}/${path}`);
  const view = transferView(quiet ? 'quiet' : 'auto', 2);
  try {
    for (const [first, ...others] of repositories.values())
      if (first !== undefined)
        await pushImages(store, [first, ...others], { signal, onEvent: view.show });
  } finally {
    view.end();
  }
}

function pathOf({ dest }: { readonly dest: string }): string | undefined {
  return dest === '-' ? undefined : dest;
}

function report(image: BuiltImage, flags: BuildFlags): void {
  if (flags.iidfile !== undefined) write(flags.iidfile, image.id);
  if (flags.metadataFile !== undefined)
    write(flags.metadataFile, `${JSON.stringify(metadata(image), undefined, 2)}\n`);
  if (isQuiet(flags)) print(`${image.id}\n`);
}

/** Buildx' keys, and under our own what each step did. */
function metadata({ id, manifest, tags, record }: BuiltImage): Record<string, unknown> {
  return {
    'containerimage.config.digest': id,
    'containerimage.digest': manifest,
    ...(tags.length === 0 ? {} : { 'image.name': tags.join(',') }),
    'cloche.build': record,
  };
}

function write(path: string, content: string): void {
  writeFileAtomically(path, content);
}
