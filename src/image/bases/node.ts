import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageConfig } from '../manifest.ts';
import { addAccount } from './account.ts';
import { clampTimes } from './dates.ts';
import { NODE_ENTRYPOINT } from './entrypoint.ts';
import { configOnTop, makeLayer } from './layer.ts';
import { bringLibrariesFor } from './libraries.ts';
import type { Kitchen } from './make.ts';
import type { NodeTag } from './node-tag.ts';
import { chooseNode, chooseNpm } from './node-version.ts';
import { packageTarball, viewPackage } from './npm.ts';
import { needTool, plainEnv } from './tool.ts';
import { Upper } from './upper.ts';

/** npm's package that holds Node's own build for this machine: `bin`, `include`, `share`. */
const PACKAGE = `node-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;

/** OpenSSL's headers for other machines are half of all headers; docker-node removes them, too. */
const OPENSSL = process.arch === 'arm64' ? 'linux-aarch64' : 'linux-x86_64';

/** A Node and an npm that go together. */
interface Versions {
  readonly node: string;
  readonly npm: string;
  /** When that Node was published. */
  readonly date: Date;
}

/**
 * Node's image: what it stands on, Node's build and npm from the npm registry, the user `node`.
 *
 * @throws {ClocheError} `NODE_VERSION_UNKNOWN`, as `packageTarball`
 */
export async function makeNode(kitchen: Kitchen, tag: NodeTag): Promise<ImageConfig> {
  const { say } = kitchen;
  say('begin', `asking the npm registry which Node '${tag.wanted}' is`);
  const versions = await chooseVersions(kitchen, tag.wanted);
  const { node, npm, date } = versions;
  if (tag.flavour === 'alpine')
    say('begin', 'it will stand on a stand-in for Alpine: BusyBox and glibc, without musl and apk');
  say('begin', `making node ${node} with npm ${npm} on this machine from npm's ${PACKAGE}`);
  const below = await kitchen.below(baseOf(tag));
  let libraries: readonly string[] = [];
  const layer = await makeLayer(kitchen, below, async (active) => {
    const upper = new Upper(kitchen.store, active);
    await unpack(kitchen, upper, PACKAGE, node, 'usr/local');
    await unpack(kitchen, upper, 'npm', npm, 'usr/local/lib/node_modules/npm');
    arrange(upper);
    libraries = await bringLibrariesFor(kitchen, upper, tag.suite, 'usr/local/bin/node');
    const shell = tag.flavour === 'alpine' ? '/bin/sh' : '/bin/bash';
    addAccount(upper, { name: 'node', id: 1000, home: '/home/node', shell });
    clampTimes(upper.directory, date);
  });
  return configOnTop(kitchen, below, layer, {
    says: `from ${[baseOf(tag), `npm's ${PACKAGE}@${node}`, `npm@${npm}`, ...libraries].join(', ')}`,
    labels: { 'dev.cloche.base.node': node, 'dev.cloche.base.npm': npm },
    createdBy: `npm pack ${PACKAGE}@${node} npm@${npm}`,
    config: {
      Env: [`NODE_VERSION=${node}`],
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['node'],
    },
  });
}

function baseOf({ flavour, suite }: NodeTag): string {
  if (flavour === 'alpine') return 'alpine:latest';
  return flavour === 'fat' ? `buildpack-deps:${suite}` : `debian:${suite}-slim`;
}

async function chooseVersions(kitchen: Kitchen, wanted: string): Promise<Versions> {
  const { versions, time } = (await viewPackage(kitchen, PACKAGE, ['versions', 'time'])) as {
    versions: readonly string[];
    time: Readonly<Record<string, string>>;
  };
  const published = new Map(versions.map((one) => [one, new Date(time[one] ?? 0)]));
  const node = chooseNode(wanted, published, new Date());
  const npms = (await viewPackage(kitchen, 'npm@>=10', ['version', 'engines.node'])) as readonly {
    version: string;
    'engines.node'?: string;
  }[];
  const engines = new Map(npms.map((one) => [one.version, one['engines.node'] ?? '*']));
  return { node, npm: chooseNpm(node, engines), date: published.get(node) ?? new Date(0) };
}

/** A package's content becomes a directory of the image, root's. */
async function unpack(
  kitchen: Kitchen,
  upper: Upper,
  name: string,
  version: string,
  into: string,
): Promise<void> {
  kitchen.say('fetch', `fetching ${name}@${version} with npm`);
  const tarball = await packageTarball(kitchen, name, version);
  const directory = upper.makeDirectory(into);
  for (const path of ['bin', 'include', 'share']) upper.makeDirectory(`usr/local/${path}`);
  const { signal } = kitchen;
  // `package/` stands before each path in a package; -m, since npm writes the year 1985.
  const how = ['--strip-components=1', '--no-same-owner', '--no-overwrite-dir', '-m'];
  await needTool('tar', ['-xzf', tarball, ...how, '-C', directory], { env: plainEnv(), signal });
}

/** As in Node's own archive for Linux: npm's commands are links, its manifest is not for here. */
function arrange(upper: Upper): void {
  rmSync(join(upper.directory, 'usr/local/package.json'));
  const archs = join(upper.directory, 'usr/local/include/node/openssl/archs');
  for (const name of readdirSync(archs))
    if (name !== OPENSSL) rmSync(join(archs, name), { recursive: true });
  for (const command of ['npm', 'npx'])
    upper.link(`usr/local/bin/${command}`, `../lib/node_modules/npm/bin/${command}-cli.js`);
  upper.link('usr/local/bin/nodejs', 'node');
  upper.writeFile('usr/local/bin/docker-entrypoint.sh', NODE_ENTRYPOINT, 0o755);
}
