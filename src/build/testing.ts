import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClocheError } from '../error.ts';
import {
  configOf,
  find,
  type Image,
  type ImageConfig,
  readNode,
  type Store,
  treeOf,
} from '../image/index.ts';
import { type Files, imageOfFiles, temporaryStore, writeFiles } from '../image/testing.ts';
import type { BuildOptions } from './build.ts';
import { buildImage } from './exporters.ts';
import type { BuildEvent } from './progress.ts';
import type { RunSpec } from './run.ts';

/** A store with an image `base`, a build context, and a stand-in for containers. */
export interface Workshop {
  readonly store: Store;
  readonly context: string;
  /** What RUN was called with, in order. */
  readonly ran: RunSpec[];
  readonly run: (spec: RunSpec) => Promise<number>;
  /** Writes the files into the context and builds. */
  build(dockerfile: string, files?: Files, options?: Partial<BuildOptions>): Promise<Built>;
  /** The error of a build that must fail. */
  failing(dockerfile: string, files?: Files, options?: Partial<BuildOptions>): Promise<ClocheError>;
  remove(): void;
}

export interface Built {
  readonly id: string;
  readonly config: ImageConfig;
  /** A file's content, a link's target, or the kind of anything else. */
  readonly file: (path: string) => string | undefined;
  /** `0:0 755` */
  readonly stat: (path: string) => string | undefined;
  /** `[2/3] COPY a / cached` */
  readonly steps: string[];
}

const BASE: Files = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n',
  'etc/group': 'root:x:0:\nnode:x:1001:\nstaff:x:50:\n',
  'bin/sh': { mode: 0o755, content: 'no shell' },
};

export async function openWorkshop(): Promise<Workshop> {
  const { store, remove } = temporaryStore();
  const context = mkdtempSync(join(tmpdir(), 'cloche-context-'));
  const ran: RunSpec[] = [];
  await imageOfFiles(store, 'base', BASE, { Env: ['PATH=/bin'], Cmd: ['sh'] });
  const run = async (spec: RunSpec) => {
    ran.push(spec);
    return pretend(spec);
  };
  const build: Workshop['build'] = async (dockerfile, files = {}, options = {}) => {
    writeFiles(context, { ...files, Dockerfile: dockerfile });
    const events: BuildEvent[] = [];
    const onEvent = (event: BuildEvent) => events.push(event);
    const image = await buildImage(store, { context, run, onEvent, ...options });
    return look(store, image, events);
  };
  return {
    ...{ store, context, ran, run, build },
    failing: (...args) =>
      build(...args).then(
        () => {
          throw new Error('the build succeeded');
        },
        (error: ClocheError) => error,
      ),
    remove: () => {
      remove();
      rmSync(context, { recursive: true });
    },
  };
}

/** Does what the command says: `write PATH TEXT` or `fail CODE`. */
function pretend(spec: RunSpec): number {
  const [verb, path = '', ...rest] = (spec.argv.at(-1) ?? '').split(' ');
  spec.onOutput('stdout', Buffer.from(`${verb} ${path}\n`));
  if (verb === 'write') writeFiles(spec.snapshot.upper, { [path]: rest.join(' ') });
  return verb === 'fail' ? Number(path) : 0;
}

function look(store: Store, image: Image, events: readonly BuildEvent[]): Built {
  const tree = treeOf(store, image.chainId);
  const names = new Map(events.flatMap((e) => (e.kind === 'begin' ? [[e.step, e.name]] : [])));
  return {
    id: image.id,
    config: configOf(store, image),
    file: (path) => {
      const node = find(tree, path, { follow: false });
      return node?.kind === 'file' ? readNode(tree, node).toString() : (node?.target ?? node?.kind);
    },
    stat: (path) => {
      const { uid, gid, mode } = find(tree, path, { follow: false })?.stat ?? {};
      return uid === undefined ? undefined : `${uid}:${gid} ${(Number(mode) & 0o7777).toString(8)}`;
    },
    steps: events
      .filter(({ kind }) => kind === 'done' || kind === 'cached')
      .map(({ kind, step }) => `${names.get(step)} ${kind}`)
      .filter((line) => line.startsWith('[') && !line.includes('internal')),
  };
}
