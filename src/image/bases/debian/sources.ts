/** One line's worth of an apt source: `deb URI SUITE COMPONENTS`. */
export interface Source {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** A path of a keyring, where the source says one. */
  readonly signedBy?: string | undefined;
}

/**
 * Reads one file of apt's sources, pure; `deb-src` and disabled entries are left out.
 *
 * Source: sources.list(5), both formats.
 * @param name decides the format: `.sources` is deb822, anything else one line an entry.
 */
export function parseSources(name: string, content: string): Source[] {
  return name.endsWith('.sources') ? deb822(content) : oneLine(content);
}

/**
 * The host's Debian mirror among its sources, in order. A third party's repository may well use
 * `bookworm main` too, so the Release file that apt fetched decides where there is one (`origin`),
 * and the URI where there is none.
 */
export function debianSources(
  sources: readonly Source[],
  origin: (source: Source) => string | undefined,
): Source[] {
  return sources.filter((source) => {
    if (!source.components.includes('main') || !/^https?:/.test(source.uri)) return false;
    const said = origin(source);
    return said === undefined ? looksDebian(source.uri) : said === 'Debian';
  });
}

/** A suite's sources for apt, deb822. */
export function sourcesFile({
  sources,
  keyring,
}: {
  readonly sources: readonly Source[];
  readonly keyring: string;
}): string {
  const stanza = (source: Source) =>
    [
      'Types: deb',
      `URIs: ${source.uri}`,
      `Suites: ${source.suite}`,
      `Components: ${source.components.join(' ')}`,
      `Signed-By: ${keyring}`,
    ].join('\n');
  return `${sources.map(stanza).join('\n\n')}\n`;
}

/** What the name of apt's cached Release file begins with, apt's own way of quoting a URI. */
export function listName({ uri, suite }: Source): string {
  const path = `${uri.replace(/^\w+:\/\//, '').replace(/\/$/, '')}/dists/${suite}`;
  return path.replaceAll('_', '%5f').replaceAll('/', '_');
}

function looksDebian(uri: string): boolean {
  const { hostname, pathname } = new URL(uri);
  return (
    /(^|\.)debian\.org$/.test(hostname) || /\/debian(-security|-archive)?(\/.*)?$/.test(pathname)
  );
}

function deb822(content: string): Source[] {
  const sources: Source[] = [];
  for (const stanza of withoutComments(content).split(/\n\s*\n/)) {
    const fields = fieldsOf(stanza);
    const words = (name: string) => fields.get(name)?.split(/\s+/).filter(Boolean) ?? [];
    if (!words('types').includes('deb') || /^(no|false|0|off)$/i.test(fields.get('enabled') ?? ''))
      continue;
    const signedBy = fields.get('signed-by');
    for (const uri of words('uris'))
      for (const suite of words('suites'))
        sources.push({
          uri,
          suite,
          components: words('components'),
          // A key may also stand there itself, over many lines.
          signedBy: signedBy?.startsWith('/') ? signedBy : undefined,
        });
  }
  return sources;
}

/** Comment lines may stand between the lines of one stanza and do not end it. */
function withoutComments(content: string): string {
  return content
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .join('\n');
}

function fieldsOf(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [, name = '', value = ''] of stanza.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm))
    fields.set(name.toLowerCase(), value.trim());
  return fields;
}

function oneLine(content: string): Source[] {
  const sources: Source[] = [];
  for (const line of content.split(/\r?\n/)) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    sources.push({
      uri,
      suite,
      components: components.split(/\s+/).filter(Boolean),
      signedBy: /(?:^|\s)signed-by=(\/\S+)/.exec(options)?.[1],
    });
  }
  return sources;
}
