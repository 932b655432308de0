import { mkdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageConfig } from '../../manifest.ts';
import type { ActiveSnapshot } from '../../snapshots.ts';
import { configOnTop, makeLayer } from '../layer.ts';
import type { Kitchen } from '../make.ts';
import { needTool, plainEnv } from '../tool.ts';
import { type Mirror, mirrorFor } from './mirror.ts';

/** What people count on in the fat images; Docker Hub's have some fifty libraries' headers more. */
const PACKAGES = ['build-essential', 'ca-certificates', 'curl', 'git', 'python3'];

/**
 * Debian with compilers, which Node's and others' fat images stand on: `buildpack-deps:<suite>`.
 *
 * @throws {ClocheError} `TOOL_FAILED`: apt-get did
 */
export async function makeBuildpackDeps(kitchen: Kitchen, suite: string): Promise<ImageConfig> {
  const below = await kitchen.below(`debian:${suite}`);
  const mirror = await mirrorFor(suite);
  const shown = PACKAGES.join(', ');
  kitchen.say(
    'begin',
    `making buildpack-deps:${suite} on this machine: debian:${suite} and ${shown}`,
  );
  const layer = await makeLayer(kitchen, below, (active) => install(kitchen, active, mirror));
  return configOnTop(kitchen, below, layer, {
    says: `from debian:${suite}, made here too, and a few of the packages: ${shown}`,
    createdBy: `apt-get install --no-install-recommends ${PACKAGES.join(' ')}`,
  });
}

/**
 * The image's own apt-get runs in it, on an overlay in mount and pid namespaces of its own, which
 * take everything with them when it ends or we do. The network is the host's.
 */
async function install(kitchen: Kitchen, active: ActiveSnapshot, mirror: Mirror): Promise<void> {
  const own = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
  const [lower, upper, work] = [active.lower.join(':'), active.upper, active.work];
  const env = { ...plainEnv(), ...mirror.proxies, DEBIAN_FRONTEND: 'noninteractive' };
  const place = join(dirname(upper), 'root');
  mkdirSync(place);
  const words = [lower, upper, work, place, ...PACKAGES];
  await needTool('unshare', [...own, 'sh', '-euc', SCRIPT, 'sh', ...words], {
    env,
    onLine: (line) => kitchen.say('apt', line),
    signal: kitchen.signal,
  });
  rmdirSync(place);
}

/** Its words: lower, upper and work directory of the overlay, where to mount it, packages. */
const SCRIPT = `
root=$4
mount -t overlay -o "redirect_dir=off,metacopy=off,lowerdir=$1,upperdir=$2,workdir=$3" overlay "$root"
shift 4
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
chroot "$root" apt-get -q update
chroot "$root" apt-get -q install -y --no-install-recommends "$@"
chroot "$root" sh -c 'rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* /var/cache/ldconfig/aux-cache'
`;
