import type { Store } from '../../image/index.ts';
import {
  type Context,
  type ContextFiles,
  type ContextPlace,
  openContext,
  openFiles,
} from '../context.ts';
import { type RememberedDigests, rememberedDigests } from '../copy/digests.ts';
import type { NamedPlaces } from './named.ts';

/**
 * Opens the contexts of a build, the main one and those with names, which lie in directories by now, with
 * what is remembered of their files.
 *
 * @throws as `openContext`
 */
export async function openContexts(
  store: Store,
  place: ContextPlace,
  named: NamedPlaces,
): Promise<{ readonly context: Context; readonly digests: RememberedDigests | undefined }> {
  const opened = await openContext(place);
  const digests = digestsOf(store, opened);
  return { context: { ...opened, digests, named: filesOf(store, named, digests) }, digests };
}

function digestsOf(store: Store, { tree }: ContextFiles): RememberedDigests | undefined {
  const directory = tree.layers[0]?.directory ?? '';
  return isFetched(store, directory) ? undefined : rememberedDigests(store, directory);
}

/** What was fetched for this build alone will not come again. */
function isFetched({ root }: Store, directory: string): boolean {
  return directory.startsWith(`${root}/`);
}

/** The named contexts; what their files hold is remembered together with the main one's. */
function filesOf(
  store: Store,
  contexts: NamedPlaces,
  digests: RememberedDigests | undefined,
): Context['named'] {
  const named = new Map<string, ContextFiles>();
  for (const [name, place] of contexts) {
    if (place.kind !== 'files') continue;
    const files = openFiles(place.directory);
    named.set(name, isFetched(store, place.directory) ? files : { ...files, digests });
  }
  return named;
}
