import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Image, writeImage } from './images.ts';
import { ARCHITECTURE, type ContainerConfig } from './manifest.ts';
import { parseReference, withTag } from './reference.ts';
import { commit, prepare } from './snapshots.ts';
import { removeTree } from './state/remove-tree.ts';
import { openStore, type Store } from './store.ts';

/** Files by their paths: content, a link (`-> target`), or a mode with content. */
export type Files = Readonly<Record<string, string | { mode: number; content: string }>>;

/** Those that are open, the newest last, and what CLOCHE_ROOT was before the first. */
const open: string[] = [];
let outside: string | undefined;

/** A store of one's own for a test, which also is the CLOCHE_ROOT of the process meanwhile. */
export function temporaryStore(): { store: Store; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'cloche-test-'));
  if (open.length === 0) outside = process.env.CLOCHE_ROOT;
  open.push(root);
  process.env.CLOCHE_ROOT = root;
  return {
    store: openStore(root),
    remove: () => {
      open.splice(open.indexOf(root), 1);
      // Not what it was before this one, which may be gone by now, and would be made again.
      const now = open.at(-1) ?? outside;
      if (now === undefined) delete process.env.CLOCHE_ROOT;
      else process.env.CLOCHE_ROOT = now;
      removeTree(root);
    },
  };
}

/** Writes files below a directory; a path that ends with a slash is an empty directory. */
export function writeFiles(directory: string, files: Files): void {
  for (const [path, what] of Object.entries(files)) {
    const at = join(directory, path);
    mkdirSync(path.endsWith('/') ? at : dirname(at), { recursive: true });
    if (path.endsWith('/')) continue;
    const { content, mode } = typeof what === 'string' ? { content: what, mode: 0o644 } : what;
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), at);
    else writeFileSync(at, content);
    if (!content.startsWith('-> ')) chmodSync(at, mode);
  }
}

/** An image of one layer with these files. */
export async function imageOfFiles(
  store: Store,
  name: string,
  files: Files,
  config: ContainerConfig = {},
): Promise<Image> {
  const active = prepare(store, undefined);
  writeFiles(active.upper, files);
  const { diffId } = await commit(store, active);
  const rootfs = { type: 'layers', diff_ids: [diffId] } as const;
  const about = {
    architecture: ARCHITECTURE,
    os: 'linux',
    created: '2026-01-01T00:00:00.000Z',
  } as const;
  const history = [{ created_by: 'a test', created: about.created }];
  return writeImage(store, { ...about, config, rootfs, history }, [withTag(parseReference(name))]);
}
