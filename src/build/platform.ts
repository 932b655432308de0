import { ARCHITECTURE } from '../image/index.ts';

const ALIASES: Readonly<Record<string, string>> = {
  ...{ x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' },
};

/**
 * Whether `linux/amd64`, `arm64/v8`, `linux` means this machine: no other is emulated here.
 *
 * @throws {SyntaxError} it is no platform
 */
export function isOwnPlatform(platform: string): boolean {
  const parts = platform.toLowerCase().split('/');
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part)))
    throw new SyntaxError(`"${platform}" is an invalid platform: it is written linux/amd64`);
  const [os = '', architecture] = isArchitecture(parts[0] ?? '') ? ['linux', ...parts] : parts;
  const wanted = ALIASES[architecture ?? ''] ?? architecture ?? ARCHITECTURE;
  return os === 'linux' && wanted === ARCHITECTURE;
}

function isArchitecture(part: string): boolean {
  return (
    part in ALIASES || /^(amd64|386|arm|arm64|riscv64|ppc64le|s390x|mips64le|loong64)$/.test(part)
  );
}
