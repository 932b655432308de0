import { ClocheError } from '../../error.ts';
import { familiar, familiarName, type Reference } from '../reference.ts';
import { SUITE_NAMES, type Suite, suiteOfTag } from './debian/suite.ts';
import { NODE_VARIANTS, type NodeTag, parseNodeTag } from './node/tag.ts';
import { type Distroless, parseDistroless } from './tiny/distroless-name.ts';

/** An image that can be made on this machine: what its name asks for, nothing looked up yet. */
export type Recipe =
  | ({ readonly kind: 'debian' } & Suite)
  | { readonly kind: 'buildpack-deps'; readonly suite: string }
  | ({ readonly kind: 'node' } & NodeTag)
  | { readonly kind: 'alpine' | 'busybox' }
  | ({ readonly kind: 'distroless' } & Distroless);

interface Repository {
  /** What a tag means; undefined where there is no such tag. */
  readonly read: (tag: string) => Recipe | undefined;
  /** The tags for a hint. */
  readonly tags: string;
}

/** By familiar name. */
const REPOSITORIES: Readonly<Record<string, Repository>> = {
  debian: { read: debian, tags: `${SUITE_NAMES}, each also with -slim` },
  'buildpack-deps': { read: buildpackDeps, tags: SUITE_NAMES },
  node: { read: node, tags: NODE_VARIANTS },
  alpine: { read: alpine, tags: 'latest, 3, 3.20, all of them the same stand-in' },
  busybox: { read: busybox, tags: 'latest, stable, 1, 1.36, all of them the same' },
};

/**
 * What is made for an image's name; undefined where the repository is none of those that can be.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`: the repository has no such tag.
 */
export function recipeOf(reference: Reference): Recipe | undefined {
  const name = familiarName(reference);
  const repository = repositoryOf(name);
  if (repository === undefined || reference.digest !== undefined) return undefined;
  const recipe = repository.read(reference.tag ?? 'latest');
  if (recipe !== undefined) return recipe;
  throw new ClocheError('IMAGE_NOT_FOUND', `no such image: ${familiar(reference)}`, {
    class: 'not-found',
    hint: `Of ${name}, these can be made on this machine: ${repository.tags}.`,
    details: { reference: familiar(reference) },
  });
}

/** Whether it is in a repository of which some images can be made here; its tag may be none of them. */
export function hasRecipe(reference: Reference): boolean {
  return reference.digest === undefined && repositoryOf(familiarName(reference)) !== undefined;
}

/** The names for a hint. */
export const BASE_NAMES = `${Object.keys(REPOSITORIES).join(', ')} and gcr.io/distroless/{static,base,cc,nodejs22}-debian12 in their usual tags`;

function repositoryOf(name: string): Repository | undefined {
  if (Object.hasOwn(REPOSITORIES, name)) return REPOSITORIES[name];
  if (parseDistroless(name, 'latest') === undefined) return undefined;
  return { read: (tag) => distroless(name, tag), tags: 'latest and nonroot' };
}

function distroless(name: string, tag: string): Recipe | undefined {
  const asked = parseDistroless(name, tag);
  return asked && { kind: 'distroless', ...asked };
}

function debian(tag: string): Recipe | undefined {
  const suite = suiteOfTag(tag);
  return suite && { kind: 'debian', ...suite };
}

function buildpackDeps(tag: string): Recipe | undefined {
  const suite = suiteOfTag(tag);
  if (suite === undefined || suite.slim || suite.pinned !== undefined || suite.backports === true)
    return undefined;
  return { kind: 'buildpack-deps', suite: suite.suite };
}

function node(tag: string): Recipe | undefined {
  const asked = parseNodeTag(tag);
  return asked && { kind: 'node', ...asked };
}

function alpine(tag: string): Recipe | undefined {
  return /^(latest|edge|3(\.\d+){0,2})$/.test(tag) ? { kind: 'alpine' } : undefined;
}

function busybox(tag: string): Recipe | undefined {
  const version = /^(latest|(un)?stable|1(\.\d+){0,2}|glibc|musl|uclibc)(-(glibc|musl|uclibc))?$/;
  return version.test(tag) ? { kind: 'busybox' } : undefined;
}
