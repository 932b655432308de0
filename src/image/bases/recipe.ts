import { ClocheError } from '../../error.ts';
import { familiar, type Reference } from '../reference.ts';
import { NODE_VARIANTS, type NodeTag, parseNodeTag } from './node-tag.ts';
import { SUITE_NAMES, type Suite, suiteOfTag } from './suite.ts';

/** An image that can be made on this machine: what its name asks for, nothing looked up yet. */
export type Recipe =
  | ({ readonly kind: 'debian' } & Suite)
  | { readonly kind: 'buildpack-deps'; readonly suite: string }
  | ({ readonly kind: 'node' } & NodeTag);

/** For a repository's tag, the recipe; undefined where there is no such tag. */
type Reader = (tag: string) => Recipe | undefined;

const HUB: Readonly<Record<string, { readonly read: Reader; readonly tags: string }>> = {
  debian: {
    read: (tag) => withKind('debian', suiteOfTag(tag)),
    tags: SUITE_NAMES,
  },
  'buildpack-deps': {
    read: (tag) => {
      const suite = suiteOfTag(tag);
      return suite?.slim === false ? { kind: 'buildpack-deps', suite: suite.suite } : undefined;
    },
    tags: SUITE_NAMES,
  },
  node: {
    read: (tag) => {
      const node = parseNodeTag(tag);
      return node?.flavour === 'alpine' ? undefined : withKind('node', node);
    },
    tags: NODE_VARIANTS,
  },
};

/**
 * What is made for an image's name; undefined where the repository is none of those that can be.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`: the repository has no such tag.
 */
export function recipeOf(reference: Reference): Recipe | undefined {
  const { domain, path, tag, digest } = reference;
  if (domain !== 'docker.io' || digest !== undefined) return undefined;
  const name = path.replace(/^library\//, '');
  const repository = path !== name && Object.hasOwn(HUB, name) ? HUB[name] : undefined;
  if (repository === undefined) return undefined;
  const recipe = repository.read(tag ?? 'latest');
  if (recipe !== undefined) return recipe;
  throw new ClocheError('IMAGE_NOT_FOUND', `no such image: ${familiar(reference)}`, {
    class: 'not-found',
    hint: `Of ${name}, these can be made on this machine: ${repository.tags}.`,
    details: { reference: familiar(reference) },
  });
}

/** The names for a hint. */
export const BASE_NAMES = 'debian:bookworm, node:22, node:22-slim';

function withKind<K extends Recipe['kind'], T extends object>(
  kind: K,
  found: T | undefined,
): ({ readonly kind: K } & T) | undefined {
  return found === undefined ? undefined : { kind, ...found };
}
