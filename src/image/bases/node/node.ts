import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { clampTimes } from '../../layer/times.ts';
import type { ImageConfig } from '../../manifest.ts';
import { addAccount } from '../account.ts';
import { configOnTop, makeLayer } from '../layer.ts';
import type { Kitchen } from '../make.ts';
import { bringLibrariesFor } from '../tiny/libraries.ts';
import { Upper } from '../upper.ts';
import { NODE_ENTRYPOINT } from './entrypoint.ts';
import { chooseVersions, NODE_PACKAGE, unpackPackage } from './package.ts';
import type { NodeTag } from './tag.ts';

/** OpenSSL's headers for other machines are half of all headers; docker-node removes them, too. */
const OPENSSL = process.arch === 'arm64' ? 'linux-aarch64' : 'linux-x86_64';

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
    say(
      'begin',
      'it will stand on a stand-in for Alpine: BusyBox, and glibc for node; without apk',
    );
  say('begin', `making node ${node} with npm ${npm} on this machine from npm's ${NODE_PACKAGE}`);
  const below = await kitchen.below(baseOf(tag));
  let libraries: readonly string[] = [];
  const layer = await makeLayer(kitchen, below, async (active) => {
    const upper = new Upper(kitchen.store, active);
    for (const path of ['bin', 'include', 'share']) upper.makeDirectory(`usr/local/${path}`);
    await unpackPackage(kitchen, upper, NODE_PACKAGE, node, 'usr/local');
    await unpackPackage(kitchen, upper, 'npm', npm, 'usr/local/lib/node_modules/npm');
    arrange(upper);
    libraries = await bringLibrariesFor(kitchen, upper, tag.suite, 'usr/local/bin/node');
    const shell = tag.flavour === 'alpine' ? '/bin/sh' : '/bin/bash';
    addAccount(upper, { name: 'node', id: 1000, home: '/home/node', shell });
    clampTimes(upper.directory, date);
  });
  return configOnTop(kitchen, below, layer, {
    says: `from ${[baseOf(tag), `npm's ${NODE_PACKAGE}@${node}`, `npm@${npm}`, ...libraries].join(', ')}`,
    labels: { 'dev.cloche.base.node': node, 'dev.cloche.base.npm': npm },
    createdBy: `npm pack ${NODE_PACKAGE}@${node} npm@${npm}`,
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
