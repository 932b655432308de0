/** What a tag of Docker Hub's `node` asks for. */
export interface NodeTag {
  /** `22`, `22.11`, `22.11.0`, `lts` or `latest`; see `chooseNode`. */
  readonly wanted: string;
  /** `fat` has a compiler, git and Python, as the tag without a suffix has on Docker Hub. */
  readonly flavour: 'fat' | 'slim' | 'alpine';
  /** The Debian suite that it, or for Alpine's stand-in its libraries, comes from. */
  readonly suite: string;
}

const WANTED = /^(\d+(\.\d+){0,2}|lts|latest|current|iron|jod|krypton)$/;

const SUITES = ['bullseye', 'bookworm', 'trixie'];

/** What the image's tags without a suite stand on. */
const USUAL = 'bookworm';

/** The lines that have names; `lts-jod` and `jod` are both tags. */
const CODENAMES: Readonly<Record<string, string>> = { iron: '20', jod: '22', krypton: '24' };

/**
 * Reads `22`, `22.11.0-bookworm-slim`, `lts-alpine3.20`, `slim`, `bookworm`; undefined for what is
 * no tag of the image. Whether there is such a version is not asked here.
 */
export function parseNodeTag(tag: string): NodeTag | undefined {
  const words = tag.replace(/^lts-(?=iron|jod|krypton)/, '').split('-');
  const wanted = WANTED.test(words[0] ?? '') ? (words.shift() ?? '') : 'latest';
  const variant = variantOf(words);
  if (variant === undefined) return undefined;
  return { wanted: CODENAMES[wanted] ?? (wanted === 'current' ? 'latest' : wanted), ...variant };
}

function variantOf(words: readonly string[]): Omit<NodeTag, 'wanted'> | undefined {
  const [first = '', second, ...more] = words;
  if (words.length === 0) return { flavour: 'fat', suite: USUAL };
  if (more.length > 0) return undefined;
  if (/^alpine(\d+\.\d+)?$/.test(first) && second === undefined)
    return { flavour: 'alpine', suite: USUAL };
  if (first === 'slim' && second === undefined) return { flavour: 'slim', suite: USUAL };
  if (!SUITES.includes(first) || (second !== undefined && second !== 'slim')) return undefined;
  return { flavour: second === 'slim' ? 'slim' : 'fat', suite: first };
}

/** The tags for a hint. */
export const NODE_VARIANTS =
  '22, 22.11.0, lts, latest, each also with -slim, -bookworm, -bookworm-slim, -alpine';
