import { clampTimes } from '../../layer/times.ts';
import type { ImageConfig } from '../../manifest.ts';
import { withDebs } from '../debian/debs.ts';
import { TINY_SUITE } from '../debian/suite.ts';
import { configOnTop, makeLayer } from '../layer.ts';
import type { Kitchen } from '../make.ts';
import { Upper } from '../upper.ts';
import { bringBusybox } from './busybox.ts';
import { bringCertificates } from './certificates.ts';
import { bringMusl } from './musl.ts';
import { APK } from './scripts.ts';
import { skeleton } from './skeleton.ts';

const PACKAGES = ['busybox-static', 'ca-certificates', 'musl'];

/**
 * A stand-in for Alpine: BusyBox and musl, as Alpine has them, but Debian's, and BusyBox static; without
 * apk. It says so in `/etc/os-release`, in its label and when apk is called.
 *
 * @throws {ClocheError} as `withDebs`
 */
export async function makeAlpine(kitchen: Kitchen): Promise<ImageConfig> {
  kitchen.say('begin', `making a stand-in for Alpine, which has no apk: Debian's BusyBox and musl`);
  return withDebs(kitchen, TINY_SUITE, PACKAGES, async (debs) => {
    const layer = await makeLayer(kitchen, undefined, async (active) => {
      const upper = new Upper(kitchen.store, active);
      skeleton(upper, { shell: '/bin/sh' });
      await bringBusybox(kitchen, upper, debs);
      bringMusl(upper, debs);
      bringCertificates(upper, debs);
      upper.writeFile('etc/os-release', OS_RELEASE);
      upper.writeFile('sbin/apk', APK, 0o755);
      clampTimes(upper.directory, debs.date);
    });
    return configOnTop(kitchen, undefined, layer, {
      says: `as a stand-in for Alpine, without apk, from Debian's ${debs.versions.join(', ')}`,
      createdBy: `dpkg-deb --extract ${debs.versions.join(', ')}`,
      config: { Cmd: ['/bin/sh'] },
    });
  });
}

const OS_RELEASE = `NAME="cloche's stand-in for Alpine"
ID=cloche
PRETTY_NAME="Not Alpine Linux: Debian's BusyBox and musl, made on this machine by cloche"
`;
