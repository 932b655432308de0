import { readdirSync, readFileSync } from 'node:fs';
import { ARCHITECTURE, type Platform } from '../image/index.ts';
import { matches, OWN_PLATFORM, parsePlatform, platformName } from '../image/registry/platform.ts';
import type { Dockerfile } from './dockerfile/parse.ts';
import { errorAt } from './dockerfile/source.ts';
import type { PlannedStages } from './stages.ts';

/**
 * What `--platform` and `FROM --platform` mean: `linux/arm64/v8`, `arm64`, or `linux` alone, which is
 * this machine's.
 *
 * @throws {SyntaxError} it is no platform
 */
export function readPlatform(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch {
    throw new SyntaxError(`"${text}" is an invalid platform: it is written linux/amd64`);
  }
}

/** Whether it is this machine's, for which images are looked up without a platform. */
export function isOwn(platform: Platform): boolean {
  return matches(OWN_PLATFORM, platform);
}

/**
 * Only programs of a platform that this machine can run may be run: its own, a smaller one that its
 * kernel knows, or one that is emulated.
 *
 * @throws {ClocheError} `PLATFORM_UNSUPPORTED`, at the first RUN that is needed and cannot be done
 */
export function checkRuns({ source }: Dockerfile, { needed }: PlannedStages): void {
  for (const { platform, instructions } of needed) {
    const run = instructions.find(({ kind }) => kind === 'run');
    if (run === undefined || canRun(platform)) continue;
    const shown = platformName(platform);
    throw errorAt(
      'PLATFORM_UNSUPPORTED',
      ...[source, run.place, `cannot run programs of ${shown} on ${platformName(OWN_PLATFORM)}`],
      'Let a stage FROM --platform=$BUILDPLATFORM run it and COPY --from it, or install qemu-user-static.',
    );
  }
}

function canRun(platform: Platform): boolean {
  if (isOwn(platform)) return true;
  if (platform.os !== 'linux') return false;
  return platform.architecture === SMALLER[ARCHITECTURE] || isEmulated(platform.architecture);
}

/** With the flag F the emulator was opened when it was registered, so it is found in any root. */
function isEmulated(architecture: string): boolean {
  const name = `qemu-${EMULATED[architecture] ?? architecture}`;
  try {
    if (!readdirSync(BINFMT).includes(name)) return false;
    const text = readFileSync(`${BINFMT}/${name}`, 'utf8');
    return text.startsWith('enabled') && /^flags: .*F/m.test(text);
  } catch {
    return false;
  }
}

const SMALLER: Readonly<Record<string, string>> = { amd64: '386', arm64: 'arm' };
const BINFMT = '/proc/sys/fs/binfmt_misc';
/** Where qemu calls an architecture something else. */
const EMULATED: Readonly<Record<string, string>> = {
  ...{ amd64: 'x86_64', arm64: 'aarch64', 386: 'i386', loong64: 'loongarch64' },
};
