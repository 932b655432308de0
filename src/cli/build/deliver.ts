import {
  type BuildOptions,
  buildEach,
  type Export,
  type ImageForm,
  type Output,
  readOutput,
  toClient,
  toFiles,
  toImage,
} from '../../build/index.ts';
import { ClocheError } from '../../error.ts';
import { type Digest, parseReference, type Store, withTag } from '../../image/index.ts';
import { output } from '../stream.ts';
import { transferView } from '../transfer.ts';
import { annotationsOf, type BuildFlags, isQuiet } from './flags.ts';
import { report } from './report.ts';

/** Builds once, and gives the result to all whom `-o` says, in that order. */
export async function buildTo(
  store: Store,
  options: BuildOptions,
  flags: BuildFlags,
  signal: AbortSignal,
): Promise<void> {
  const all = outputsOf(flags);
  for (const one of all) requireName(one);
  const tags = [...new Set(all.flatMap((one) => one.tags))];
  const exports = all.map((one) => exportOf(store, { ...options, tags: one.tags }, one, signal));
  const built = await buildEach(store, { ...options, tags }, exports);
  for (const one of all)
    if (one.to.type === 'image' && one.to.push)
      await pushAll(store, one.tags, isQuiet(flags), signal);
  report(built, flags);
}

/** One of what `-o` says, with the names that the image gets there. */
interface Delivery {
  readonly to: Output;
  readonly tags: readonly string[];
  readonly form: ImageForm;
}

/** @throws {ClocheError} `OUTPUT_INVALID` */
function outputsOf(flags: BuildFlags): Delivery[] {
  const texts = flags.output.length === 0 ? ['type=image'] : flags.output;
  const said = texts.map((text) => {
    const { output: to, name, compression, annotations } = readOutput(text);
    const form = {
      compression,
      ...annotated({ ...annotationsOf(flags.annotation), ...annotations }),
    };
    return { to, tags: [...flags.tag, ...(name?.split(',') ?? [])], form };
  });
  const toStdout = said.filter(({ to }) => to.type !== 'image' && to.dest === '-');
  if (toStdout.length > 1)
    throw new ClocheError('OUTPUT_INVALID', 'only one output can go to standard output', {
      class: 'invalid-argument',
      hint: 'Give the others a dest=PATH.',
    });
  const isKept = said.some(({ to }) => to.type === 'image');
  const more: Delivery[] =
    !isKept && (flags.push || flags.load)
      ? [
          {
            to: { type: 'image', push: flags.push },
            tags: flags.tag,
            form: annotated(annotationsOf(flags.annotation)),
          },
        ]
      : [];
  return [...said.map((one) => (flags.push ? pushed(one) : one)), ...more];
}

function annotated(annotations: Readonly<Record<string, string>>): ImageForm {
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}

function pushed(one: Delivery): Delivery {
  return one.to.type === 'image' ? { ...one, to: { ...one.to, push: true } } : one;
}

function exportOf(
  store: Store,
  options: BuildOptions,
  { to, form }: Delivery,
  signal: AbortSignal,
): Export {
  switch (to.type) {
    case 'image':
      return toImage(store, options, form);
    case 'local':
      return toFiles(async (chain) => (await files()).writeFiles(store, chain, to.dest, signal));
    case 'tar':
      return toFiles(async (chain) =>
        output(pathOf(to), (await files()).filesArchive(store, chain), signal),
      );
    default:
      return toClient(store, options, giver(store, to, signal), form);
  }
}

/** Loaded when needed: most builds make an image. */
const files = () => import('../../build/output/files.ts');

/** Writes an image as an archive or a directory. */
function giver(
  store: Store,
  to: Extract<Output, { type: 'oci' | 'docker' | 'layout' | 'tar' }>,
  signal: AbortSignal,
) {
  return async (manifest: Digest, names: readonly string[]): Promise<void> => {
    // Loaded when needed: it knows of more forms than a build has to.
    const { archiveOf, writeDirectory } = await import('../../image/archive/index.ts');
    const selected = [{ image: { manifest }, names }];
    if (to.type === 'layout') return writeDirectory(store, to.dest, selected);
    const format = to.type === 'docker' ? 'docker' : 'oci';
    await output(pathOf(to), archiveOf(store, selected, format), signal);
  };
}

function requireName({ to, tags }: Delivery): void {
  if (to.type !== 'image' || !to.push || tags.length > 0) return;
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
