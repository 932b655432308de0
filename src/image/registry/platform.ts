import { ClocheError } from '../../error.ts';
import { ARCHITECTURE, type Platform } from '../manifest.ts';
import type { IndexDocument, Pointer } from './documents.ts';

/** What this machine runs. */
export const OWN_PLATFORM: Platform = { os: 'linux', architecture: ARCHITECTURE };

/**
 * Reads `--platform`: `OS[/ARCH[/VARIANT]]` or `ARCH[/VARIANT]`, with docker's other names for some.
 *
 * Source: containerd/platforms, `Parse`; it takes whatever stands in two parts, also `lunix/amd64`.
 * @throws {ClocheError} `PLATFORM_INVALID`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const [first = ''] = parts;
  const os = first === 'macos' ? 'darwin' : first;
  const isSystem = SYSTEM_NAMES.includes(os);
  const [architecture = isSystem ? ARCHITECTURE : '', variant] = isSystem ? parts.slice(1) : parts;
  const platform = normalized({ os: isSystem ? os : 'linux', architecture, variant });
  const isTooLong = parts.length > (isSystem ? 3 : 2);
  if (isTooLong || !ARCHITECTURE_NAMES.includes(platform.architecture) || variant === '')
    throw invalid(text);
  if (variant !== undefined && !/^v?\d+(\.\d+)?$/.test(variant)) throw invalid(text);
  return platform;
}

function invalid(text: string): ClocheError {
  return new ClocheError('PLATFORM_INVALID', `'${text}' is not a platform`, {
    class: 'invalid-argument',
    hint: 'A platform looks like linux/amd64, linux/arm64 or linux/arm/v7.',
  });
}

/** Go's, as far as images are made for them. */
const SYSTEM_NAMES = [
  ...['aix', 'android', 'darwin', 'dragonfly', 'freebsd', 'illumos', 'ios', 'js', 'linux'],
  ...['netbsd', 'openbsd', 'plan9', 'solaris', 'wasi', 'wasip1', 'windows', 'zos'],
];
const ARCHITECTURE_NAMES = [
  ...['386', 'amd64', 'arm', 'armbe', 'arm64', 'arm64be', 'loong64', 'mips', 'mipsle', 'mips64'],
  ...['mips64le', 'ppc', 'ppc64', 'ppc64le', 'riscv', 'riscv64', 's390', 's390x', 'sparc'],
  ...['sparc64', 'wasm'],
];

export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined).join('/');
}

/**
 * The manifest of an index for a platform: an exact one, else the first of its architecture.
 *
 * @throws {ClocheError} `PLATFORM_NOT_FOUND`, in docker's words, with what there is
 */
export function selectManifest(index: IndexDocument, wanted: Platform): Pointer {
  const candidates = index.manifests.flatMap(({ platform, ...manifest }) =>
    platform === undefined ? [] : [{ manifest, platform: normalized(platform) }],
  );
  const matching = candidates.filter(({ platform }) => matches(platform, wanted));
  const exact = matching.find(({ platform }) => platform.variant === wanted.variant);
  const chosen = exact ?? matching[0];
  if (chosen !== undefined) return chosen.manifest;
  const names = candidates
    .filter(({ platform }) => platform.os !== 'unknown')
    .map(({ platform }) => platformName(platform));
  throw new ClocheError(
    'PLATFORM_NOT_FOUND',
    `no matching manifest for ${platformName(wanted)} in the manifest list entries`,
    {
      class: 'not-found',
      hint:
        names.length === 0
          ? 'It lists no platform.'
          : `There are ${[...new Set(names)].join(', ')}.`,
      details: { wanted: platformName(wanted), there: names },
    },
  );
}

/** Whether an image of one platform will do where another was asked for. */
export function matches(platform: Platform, wanted: Platform): boolean {
  const one = normalized(platform);
  const other = normalized(wanted);
  return (
    one.os === other.os &&
    one.architecture === other.architecture &&
    (other.variant === undefined || one.variant === other.variant)
  );
}

/** Other names of architectures; v8 and v1 are what arm64 and amd64 are anyway. */
function normalized({ os, architecture, variant }: Platform): Platform {
  const name = Object.hasOwn(ALIASES, architecture) ? ALIASES[architecture] : architecture;
  const said = variant !== undefined && /^\d/.test(variant) ? `v${variant}` : variant;
  const plain = { arm64: 'v8', amd64: 'v1' }[name ?? ''];
  return { os, architecture: name ?? '', variant: said === plain ? undefined : said || undefined };
}

const ALIASES: Readonly<Record<string, string>> = {
  ...{ x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', i386: '386', armhf: 'arm' },
};
