import type { Kitchen } from '../make.ts';
import { needTool, plainEnv } from '../tool.ts';
import type { Upper } from '../upper.ts';
import { packageTarball, viewPackage } from './npm.ts';
import { chooseNode, chooseNpm } from './version.ts';

/** npm's package that holds Node's own build for this machine: `bin`, `include`, `share`. */
export const NODE_PACKAGE = `node-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;

/** A Node and an npm that go together. */
export interface Versions {
  readonly node: string;
  readonly npm: string;
  /** When that Node was published. */
  readonly date: Date;
}

/** What a tag's first word means today. @throws {ClocheError} as `chooseNode`, `viewPackage` */
export async function chooseVersions(kitchen: Kitchen, wanted: string): Promise<Versions> {
  const { versions, time } = (await viewPackage(kitchen, NODE_PACKAGE, ['versions', 'time'])) as {
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

/**
 * A package's content becomes root's, in a directory of the image.
 *
 * @param members those paths of it alone
 * @throws {ClocheError} as `packageTarball`
 */
export async function unpackPackage(
  kitchen: Kitchen,
  upper: Upper,
  name: string,
  version: string,
  into: string,
  members: readonly string[] = [],
): Promise<void> {
  kitchen.say('fetch', `fetching ${name}@${version} with npm`);
  const tarball = await packageTarball(kitchen, name, version);
  const directory = upper.makeDirectory(into);
  // `package/` stands before each path in a package; -m, since npm writes the year 1985.
  const how = ['--strip-components=1', '--no-same-owner', '--no-overwrite-dir', '-m'];
  const chosen = members.map((path) => `package/${path}`);
  await needTool('tar', ['-xzf', tarball, ...how, '-C', directory, ...chosen], {
    env: plainEnv(),
    signal: kitchen.signal,
  });
}
