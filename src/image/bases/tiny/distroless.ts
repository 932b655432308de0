import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { clampTimes } from '../../layer/times.ts';
import type { ContainerConfig, ImageConfig } from '../../manifest.ts';
import { bringCopyrights, type Debs, withDebs } from '../debian/debs.ts';
import { TINY_SUITE } from '../debian/suite.ts';
import { configOnTop, makeLayer } from '../layer.ts';
import type { Kitchen } from '../make.ts';
import { chooseVersions, NODE_PACKAGE, unpackPackage } from '../node/package.ts';
import { Upper } from '../upper.ts';
import { BUNDLE, bringCertificates } from './certificates.ts';
import type { Distroless } from './distroless-name.ts';
import { bringLibraries, bringLibrariesFor } from './libraries.ts';
import { skeleton } from './skeleton.ts';

const STATIC = ['ca-certificates', 'netbase', 'tzdata'];
const BASE = [...STATIC, 'libc6', 'libssl3'];
const CC = [...BASE, 'libgcc-s1', 'libgomp1', 'libstdc++6'];

/** What each flavour has of Debian's packages. */
const PACKAGES = { static: STATIC, base: BASE, cc: CC, nodejs: CC } as const;

const NONROOT = { name: 'nonroot', id: 65532, home: '/home/nonroot', shell: '/sbin/nologin' };

/**
 * An image without a shell, as Google's distroless are: libraries, certificates, time zones, the
 * users root, nobody and nonroot, and for `nodejs` Node as `/nodejs/bin/node`.
 *
 * @throws {ClocheError} `NODE_VERSION_UNKNOWN`, as `packageTarball` and `withDebs`
 */
export async function makeDistroless(kitchen: Kitchen, what: Distroless): Promise<ImageConfig> {
  const { flavour, line } = what;
  const shown = `${flavour}${line ?? ''}`;
  kitchen.say('begin', `making a stand-in for distroless ${shown}: Debian's libraries, no shell`);
  const node = line === undefined ? undefined : (await chooseVersions(kitchen, line)).node;
  return withDebs(kitchen, TINY_SUITE, PACKAGES[flavour], async (debs) => {
    const versions = [...debs.versions];
    const layer = await makeLayer(kitchen, undefined, async (active) => {
      const upper = new Upper(kitchen.store, active);
      fill(upper, debs);
      if (node !== undefined) versions.push(...(await bringNode(kitchen, upper, node)));
      clampTimes(upper.directory, debs.date);
    });
    return configOnTop(kitchen, undefined, layer, {
      says: `as a stand-in for distroless, from ${versions.join(', ')}`,
      createdBy: `dpkg-deb --extract ${versions.join(', ')}`,
      config: settings(what),
    });
  });
}

/** @returns what it is made of */
async function bringNode(kitchen: Kitchen, upper: Upper, version: string): Promise<string[]> {
  await unpackPackage(kitchen, upper, NODE_PACKAGE, version, 'nodejs', ['bin/node', 'LICENSE']);
  const missing = await bringLibrariesFor(kitchen, upper, TINY_SUITE, 'nodejs/bin/node');
  return [`npm's ${NODE_PACKAGE}@${version}`, ...missing];
}

function fill(upper: Upper, debs: Debs): void {
  skeleton(upper, { shell: '/sbin/nologin', accounts: [NONROOT] });
  upper.makeDirectory('home/nonroot', 0o700, NONROOT.id);
  bringCertificates(upper, debs);
  bringLibraries(upper, debs);
  bringCopyrights(upper, debs);
  for (const name of ['etc/protocols', 'etc/services'])
    upper.copyIn(join(debs.directory, name), name);
  const zones = 'usr/share/zoneinfo';
  const how = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
  cpSync(join(debs.directory, zones), upper.at(zones), how);
  upper.writeFile('etc/os-release', OS_RELEASE);
}

function settings({ flavour, nonroot }: Distroless): ContainerConfig {
  return {
    Env: [`SSL_CERT_FILE=/${BUNDLE}`],
    ...(nonroot ? { User: String(NONROOT.id), WorkingDir: NONROOT.home } : { User: '0' }),
    ...(flavour === 'nodejs' ? { Entrypoint: ['/nodejs/bin/node'] } : {}),
  };
}

const OS_RELEASE = `NAME="cloche's stand-in for distroless"
ID=cloche
PRETTY_NAME="Not Google's distroless: Debian's libraries, put together on this machine by cloche"
`;
