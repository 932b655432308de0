import { type Entry, type RawPath, scan } from '../layer/scan.ts';
import type { Snapshot } from '../snapshots.ts';

/** What a layer did to one path. */
export interface Change {
  readonly path: RawPath;
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly isDirectory: boolean;
  /** Bytes that the layer holds for it; of what it deleted, bytes that are hidden now. */
  readonly size: number;
}

/** The bytes of a file, which may have several names in its layer. */
export interface Content {
  readonly size: number;
  /** The number of the layer that has them, the lowest being 0. */
  readonly layer: number;
  /** Names that still show them; with none left they are wasted. */
  names: number;
}

/** A path of the merged tree. */
export interface MergedNode {
  readonly entry: Entry;
  readonly content: Content | undefined;
  /** Of a directory. */
  readonly children: Map<string, MergedNode> | undefined;
}

/** Contents that no name shows any more, by the path that was the last to. */
export interface Lost {
  readonly path: RawPath;
  readonly content: Content;
}

/**
 * A file tree that grows layer by layer, as overlayfs would show it, and says of each layer what it
 * did. Nothing but directories is read, never a file.
 */
export class MergedTree {
  readonly root: MergedNode['children'] & object = new Map();
  readonly lost: Lost[] = [];
  #layers = 0;
  #changes = new Map<RawPath, Change>();

  /** Puts a layer on top. @returns what it did, in the order of its paths. */
  apply(layer: Pick<Snapshot, 'directory' | 'opaque'>): Change[] {
    this.#changes = new Map();
    const contents = new Map<bigint, Content>();
    const opaque = new Set(layer.opaque);
    for (const entry of scan(layer.directory)) {
      const [siblings, name] = this.#placeOf(entry.path);
      if (siblings === undefined) continue;
      const before = siblings.get(name);
      if (entry.kind === 'whiteout') this.#remove(siblings, name, entry.path);
      else if (entry.kind === 'directory' && before?.children !== undefined) {
        if (opaque.has(entry.path)) this.#empty(before.children, entry.path);
        this.#keepDirectory(siblings, name, before, entry);
      } else this.#put(siblings, name, entry, contents);
    }
    this.#layers++;
    return [...this.#changes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** The directory that a path is in, and its name there. A layer has its directories before it. */
  #placeOf(path: RawPath): [Map<string, MergedNode> | undefined, string] {
    const names = path.split('/');
    const name = names.pop() ?? '';
    let at: Map<string, MergedNode> | undefined = this.root;
    for (const one of names) at = at?.get(one)?.children;
    return [at, name];
  }

  /** Overlayfs copies directories up for what is in them; that alone is no change. */
  #keepDirectory(
    siblings: Map<string, MergedNode>,
    name: string,
    before: MergedNode,
    entry: Entry,
  ): void {
    siblings.set(name, { ...before, entry });
    const [old, now] = [before.entry.stat, entry.stat];
    if (old.mode !== now.mode || old.uid !== now.uid || old.gid !== now.gid)
      this.#note(entry.path, 'changed', true, 0);
  }

  #put(
    siblings: Map<string, MergedNode>,
    name: string,
    entry: Entry,
    contents: Map<bigint, Content>,
  ): void {
    const before = siblings.get(name);
    if (before !== undefined) this.#release(before, entry.path);
    const isDirectory = entry.kind === 'directory';
    const known = entry.kind === 'file' ? contents.get(entry.stat.ino) : undefined;
    const content = known ?? { size: sizeOf(entry), layer: this.#layers, names: 0 };
    content.names++;
    if (entry.kind === 'file') contents.set(entry.stat.ino, content);
    siblings.set(name, {
      entry,
      content: isDirectory ? undefined : content,
      children: isDirectory ? new Map() : undefined,
    });
    const size = known === undefined ? content.size : 0;
    this.#note(entry.path, before === undefined ? 'added' : 'changed', isDirectory, size);
  }

  #remove(siblings: Map<string, MergedNode>, name: string, path: RawPath): void {
    const node = siblings.get(name);
    if (node === undefined) return;
    siblings.delete(name);
    this.#release(node, path);
    this.#note(path, 'deleted', node.children !== undefined, node.content?.size ?? 0);
  }

  #empty(children: Map<string, MergedNode>, path: RawPath): void {
    for (const name of [...children.keys()]) this.#remove(children, name, `${path}/${name}`);
  }

  /** A node goes, with all below it: whoever had its bytes alone has wasted them. */
  #release({ content, children }: MergedNode, path: RawPath): void {
    if (children !== undefined) this.#empty(children, path);
    if (content === undefined) return;
    content.names--;
    if (content.names === 0) this.lost.push({ path, content });
  }

  /** What an opaque directory hid and the same layer brings again is a change of it. */
  #note(path: RawPath, kind: Change['kind'], isDirectory: boolean, size: number): void {
    const wasDeleted = this.#changes.get(path)?.kind === 'deleted';
    this.#changes.set(path, {
      path,
      kind: wasDeleted && kind === 'added' ? 'changed' : kind,
      isDirectory,
      size,
    });
  }
}

/** Bytes in the layer; links and devices take none. */
function sizeOf({ kind, stat }: Entry): number {
  return kind === 'file' ? Number(stat.size) : 0;
}
