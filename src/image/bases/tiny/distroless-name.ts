/** What a name of Google's distroless images asks for. */
export interface Distroless {
  readonly flavour: 'static' | 'base' | 'cc' | 'nodejs';
  /** Node's line, where the flavour is `nodejs`. */
  readonly line?: string;
  /** Whether the tag names the user `nonroot`, 65532. */
  readonly nonroot: boolean;
}

const NAME = /^gcr\.io\/distroless\/(static|base|cc|nodejs(\d+))(-debian12)?$/;

/**
 * Reads `gcr.io/distroless/nodejs22-debian12`; undefined where it is none of theirs. Those of
 * another Debian, of other languages, and the tags with a shell are not made.
 */
export function parseDistroless(name: string, tag: string): Distroless | undefined {
  const [, kind = '', line] = NAME.exec(name) ?? [];
  if (kind === '' || (tag !== 'latest' && tag !== 'nonroot')) return undefined;
  const nonroot = tag === 'nonroot';
  if (line !== undefined) return { flavour: 'nodejs', line, nonroot };
  return { flavour: kind as 'static' | 'base' | 'cc', nonroot };
}
