import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { whileWorking } from '../../state/work.ts';
import type { Kitchen } from '../make.ts';
import { needTool, plainEnv } from '../tool.ts';
import { type Mirror, mirrorFor } from './mirror.ts';
import { sourcesFile } from './sources.ts';

/**
 * Fetches packages of a suite into a directory, the suite's security fixes included; apt verifies
 * them by the archive's key. It is an apt with a configuration and lists of its own, in the store's
 * `cache/apt`, so that the host may be of another suite, and its own lists stay as they are.
 *
 * @returns the `.deb` files' names, sorted
 * @throws {ClocheError} `TOOL_MISSING`, `TOOL_FAILED`
 */
export async function downloadDebs(
  kitchen: Kitchen,
  suite: string,
  packages: readonly string[],
  into: string,
): Promise<string[]> {
  const { store, signal } = kitchen;
  const mirror = await mirrorFor(suite);
  kitchen.say('fetch', `fetching ${packages.join(', ')} from ${mirror.uri}`);
  const place = join(store.root, 'cache/apt', suite);
  const env = { ...plainEnv(), ...mirror.proxies, APT_CONFIG: configure(place, mirror) };
  const fetch = async () => {
    await needTool('apt-get', ['-qq', 'update'], { env, signal });
    await needTool('apt-get', ['-qq', 'download', ...packages], { cwd: into, env, signal });
  };
  await whileWorking(store.db, `apt ${suite}`, fetch, { signal });
  return readdirSync(into).sort();
}

/** @returns the file that is the whole of apt's configuration: it names directories of its own. */
function configure(place: string, mirror: Mirror): string {
  for (const path of ['etc/sources.list.d', 'state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(place, path), { recursive: true });
  writeFileSync(join(place, 'etc/sources.list.d/debian.sources'), sourcesFile(mirror));
  writeFileSync(join(place, 'state/status'), '');
  const config = join(place, 'apt.conf');
  const lines = [
    `Dir::Etc "${place}/etc";`,
    `Dir::State "${place}/state";`,
    `Dir::State::status "${place}/state/status";`,
    `Dir::Cache "${place}/cache";`,
    // apt's own user cannot enter the store.
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    ...mirror.aptConf,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  return config;
}
