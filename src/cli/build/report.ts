import type { BuildRecord, DescribedImage } from '../../build/index.ts';
import { canonical, parseReference, withTag } from '../../image/index.ts';
import { writeFileAtomically } from '../../image/state/atomic.ts';
import { print } from '../print.ts';
import { type BuildFlags, isQuiet } from './flags.ts';

/** The images that a build gave, to whom `-o` said, and what its steps did. */
interface Finished {
  readonly images: readonly DescribedImage[];
  readonly record: BuildRecord;
}

/**
 * Writes `--iidfile` and `--metadata-file`, and with `-q` prints the image's id. Where no image came of
 * the build but only files, the first is empty, as buildx writes it: an older build's must not stay.
 */
export function report(finished: Finished, flags: BuildFlags): void {
  const [image] = finished.images;
  if (flags.iidfile !== undefined) writeFileAtomically(flags.iidfile, image?.id ?? '');
  if (flags.metadataFile !== undefined) {
    const all = `${JSON.stringify(metadata(finished), undefined, 2)}\n`;
    writeFileAtomically(flags.metadataFile, all);
  }
  if (isQuiet(flags) && image !== undefined) print(`${image.id}\n`);
}

/** Buildx' keys, and under our own what each step did. */
function metadata({ images, record }: Finished): Record<string, unknown> {
  const [image] = images;
  if (image === undefined) return { 'cloche.build': record };
  // Those of this build: an image that was there already may have others.
  const names = record.tags.map((tag) => canonical(withTag(parseReference(tag))));
  return {
    'containerimage.config.digest': image.id,
    'containerimage.descriptor': image.descriptor,
    'containerimage.digest': image.descriptor.digest,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
    'cloche.build': record,
  };
}
