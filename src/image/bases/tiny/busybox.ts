import { join } from 'node:path';
import { clampTimes } from '../../layer/times.ts';
import type { ImageConfig } from '../../manifest.ts';
import { bringCopyrights, type Debs, withDebs } from '../debian/debs.ts';
import { TINY_SUITE } from '../debian/suite.ts';
import { configOnTop, makeLayer } from '../layer.ts';
import type { Kitchen } from '../make.ts';
import { needTool, plainEnv } from '../tool.ts';
import { Upper } from '../upper.ts';
import { ADDGROUP, ADDUSER } from './scripts.ts';
import { skeleton } from './skeleton.ts';

/** Of another distribution's, or for a machine that boots. */
const LEFT_OUT = /^(linuxrc|.*\/(dpkg|dpkg-deb|rpm|rpm2cpio|run-init|switch_root|getty|sulogin))$/;

/** BusyBox and nothing else, as `busybox` has it. @throws {ClocheError} as `withDebs` */
export async function makeBusybox(kitchen: Kitchen): Promise<ImageConfig> {
  kitchen.say('begin', `making a stand-in for busybox from Debian's busybox-static`);
  return withDebs(kitchen, TINY_SUITE, ['busybox-static'], async (debs) => {
    const layer = await makeLayer(kitchen, undefined, async (active) => {
      const upper = new Upper(kitchen.store, active);
      skeleton(upper, { shell: '/bin/sh' });
      await bringBusybox(kitchen, upper, debs);
      clampTimes(upper.directory, debs.date);
    });
    return configOnTop(kitchen, undefined, layer, {
      says: `from Debian's ${debs.versions.join(', ')}`,
      createdBy: `dpkg-deb --extract ${debs.versions.join(', ')}`,
      config: { Cmd: ['sh'] },
    });
  });
}

/** The one program and a link for each of its names, and scripts for two that Debian's lacks. */
export async function bringBusybox(kitchen: Kitchen, upper: Upper, debs: Debs): Promise<void> {
  const program = join(debs.directory, 'bin/busybox');
  upper.copyIn(program, 'bin/busybox');
  const { signal } = kitchen;
  const { stdout } = await needTool(program, ['--list-full'], { env: plainEnv(), signal });
  for (const path of stdout.split('\n'))
    if (path !== 'bin/busybox' && !LEFT_OUT.test(path)) upper.link(path, '/bin/busybox');
  upper.writeFile('usr/sbin/adduser', ADDUSER, 0o755);
  upper.writeFile('usr/sbin/addgroup', ADDGROUP, 0o755);
  bringCopyrights(upper, debs);
}
