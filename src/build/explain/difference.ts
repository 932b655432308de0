import type { Remembered, StepKey } from '../cache.ts';
import type { Operation } from '../graph.ts';
import type { FileFacts } from '../step.ts';

/** A step that is not cached, as far as it is known: what it stands on is not where that is to be built. */
export interface Wanted extends Omit<StepKey, 'parent'> {
  readonly parent: StepKey['parent'] | undefined;
  readonly files: FileFacts;
}

/** So many files are named. */
const NAMED = 3;

/**
 * Why the cache has nothing for a step: what is different from the most similar one that it knows.
 * Pure.
 */
export function difference(wanted: Wanted, known: readonly Remembered[]): string {
  const sameOp = known.filter(({ op }) => isSame(op, wanted.op));
  const here = sameOp.filter(({ parent }) => parent === wanted.parent);
  if (here.some(({ facts }) => isSame(facts, wanted.facts))) return 'SOURCE_DATE_EPOCH changed';
  if (here[0] !== undefined) return fileChanges(here[0].files, wanted.files);
  if (sameOp.length > 0) return 'its base changed';
  const siblings = known
    .filter(({ op, parent }) => op.kind === wanted.op.kind && parent === wanted.parent)
    .map(({ op }) => operationChanges(op, wanted.op))
    .sort((a, b) => a.length - b.length);
  return siblings[0]?.join('; ') ?? 'never built here';
}

function fileChanges(before: FileFacts, now: FileFacts): string {
  const changed = [...now].filter(
    ([path, digest]) => before.has(path) && before.get(path) !== digest,
  );
  const added = [...now.keys()].filter((path) => !before.has(path));
  const removed = [...before.keys()].filter((path) => !now.has(path));
  const parts = [
    said(
      changed.map(([path]) => path),
      'changed',
    ),
    // Of a step with too many files none were noted.
    ...(before.size === 0 ? [] : [said(added, 'is new'), said(removed, 'is gone')]),
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'what it copies changed' : parts.join('; ');
}

function said(paths: readonly string[], what: string): string {
  if (paths.length === 0) return '';
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '';
  return `${paths
    .slice(0, NAMED)
    .map((path) => `file ${path}`)
    .join(', ')}${more} ${what}`;
}

const WORDS: Readonly<Record<string, string>> = {
  argv: 'the command',
  cwd: 'the working directory',
  user: 'the user',
  network: 'the network',
  security: 'the security mode',
  surroundings: 'what --add-host, --shm-size, --ulimit or BUILDKIT_SANDBOX_HOSTNAME give',
  mounts: 'a mount',
  sources: 'what is copied',
  inline: 'the text of a heredoc',
  target: 'the target',
  from: 'where it is copied from',
  chown: '--chown',
  chmod: '--chmod',
  path: 'the path',
};

function operationChanges(before: Operation, now: Operation): string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const said = new Map<string, unknown>(Object.entries(now));
  return [...new Set([...said.keys(), ...old.keys()])]
    .filter((key) => !isSame(old.get(key), said.get(key)))
    .map((key) =>
      key === 'env' ? variables(old.get(key), said.get(key)) : `${WORDS[key] ?? key} changed`,
    );
}

/** Names alone: a value may be one that nobody should see. */
function variables(before: unknown, now: unknown): string {
  const entries = (env: unknown) => (Array.isArray(env) ? env.map(String) : []);
  const name = (entry: string) => entry.slice(0, entry.indexOf('='));
  const [old, fresh] = [entries(before), entries(now)];
  const changed = [
    ...fresh.filter((entry) => !old.includes(entry)),
    ...old.filter((entry) => !fresh.includes(entry)),
  ].map(name);
  const names = [...new Set(changed)];
  return names.length === 0
    ? 'the order of variables changed'
    : `variable ${names.join(', ')} changed`;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
