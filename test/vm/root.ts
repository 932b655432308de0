import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { debootstrap } from '../../src/image/bases/debian/debootstrap.ts';
import { finish } from '../../src/image/bases/debian/finish.ts';
import { mirrorFor } from '../../src/image/bases/debian/mirror.ts';
import type { Kernel } from './kernel.ts';
import { CACHE, run, type Say } from './tools.ts';

/** Beside a minimal Debian: what the tests and the lessons call. */
const PACKAGES = ['kmod', 'procps', 'iproute2', 'cgroup-tools', 'debootstrap', 'ca-certificates'];

const SUITE = 'bookworm';

/**
 * Fills a directory with the machine's root: a Debian made as our base images are, the kernel's
 * modules, and `init.sh` as its first process.
 *
 * @throws {ClocheError} as `debootstrap`; `COMMAND_FAILED`.
 */
export async function makeRoot(directory: string, kernel: Kernel, say: Say): Promise<void> {
  const mirror = await mirrorFor(SUITE);
  say(`debootstrap of ${SUITE} from ${mirror.uri}, some 30 seconds`);
  const cache = `${CACHE}/debs`;
  mkdirSync(cache, { recursive: true });
  await debootstrap({ suite: SUITE, mirror, target: directory, cache, onLine: () => {} });
  finish(directory, mirror, true);
  say(`installing ${PACKAGES.join(', ')} in it`);
  install(directory);
  cpSync(kernel.modules, `${directory}/lib/modules/${kernel.release}`, { recursive: true });
  run(['chroot', directory, 'depmod', kernel.release]);
  for (const name of ['cloche', 'var/lib/cloche']) mkdirSync(`${directory}/${name}`);
  copyFileSync('test/vm/init.sh', `${directory}/init`);
  chmodSync(`${directory}/init`, 0o755);
  rmSync(`${directory}/var/lib/apt/lists`, { recursive: true, force: true });
}

/** In a mount namespace of its own, so that no mount stays whatever happens. */
function install(directory: string) {
  const script = `set -e
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    chroot "$1" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends ${PACKAGES.join(' ')}'`;
  const own = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];
  run([...own, 'sh', '-c', script, 'sh', directory], { DEBIAN_FRONTEND: 'noninteractive' });
}
