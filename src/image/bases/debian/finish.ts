import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mirror } from './mirror.ts';
import { sourcesFile } from './sources.ts';

/**
 * Turns what debootstrap made into an image's root as Debian's own on Docker Hub is: nothing of this
 * machine, no caches, no devices, apt's sources and manners for containers.
 */
export function finish(root: string, mirror: Mirror, slim: boolean): void {
  for (const path of ['var/lib/apt/lists', 'var/cache/apt', 'var/log', 'dev', 'run', 'tmp'])
    empty(join(root, path));
  for (const path of ['var/lib/apt/lists/partial', 'var/cache/apt/archives/partial'])
    mkdirSync(join(root, path), { recursive: true });
  rmSync(join(root, 'var/cache/ldconfig/aux-cache'), { force: true });
  // Places for the runtime's own files: they are mounted over.
  for (const name of ['etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'etc/machine-id'])
    write(root, name, '');
  rmSync(join(root, 'etc/apt/sources.list'), { force: true });
  write(root, 'etc/apt/sources.list.d/debian.sources', sourcesFile(mirror));
  if (mirror.aptConf.length > 0)
    write(root, 'etc/apt/apt.conf.d/90cloche-mirror', `${mirror.aptConf.join('\n')}\n`);
  for (const [name, content] of Object.entries(MANNERS)) write(root, name, content);
  write(root, 'usr/sbin/policy-rc.d', POLICY, 0o755);
  if (slim) slimDown(root);
}

/** As on Docker Hub (debuerreotype): what apt and dpkg do differently inside of a container. */
const MANNERS: Readonly<Record<string, string>> = {
  'etc/apt/apt.conf.d/docker-clean':
    '# Keeps downloaded packages and caches out of layers.\n' +
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };\n' +
    'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
  'etc/apt/apt.conf.d/docker-gzip-indexes':
    'Acquire::GzipIndexes "true";\nAcquire::CompressionTypes::Order:: "gz";\n',
  'etc/apt/apt.conf.d/docker-no-languages': 'Acquire::Languages "none";\n',
  'etc/apt/apt.conf.d/docker-autoremove-suggests': 'Apt::AutoRemove::SuggestsImportant "false";\n',
  'etc/dpkg/dpkg.cfg.d/docker-apt-speedup': 'force-unsafe-io\n',
};

/** Packages do not start services when they are installed into an image. */
const POLICY = '#!/bin/sh\nexit 101\n';

const SLIM_EXCLUDES = [
  ...[
    '/usr/share/doc/*',
    '/usr/share/groff/*',
    '/usr/share/info/*',
    '/usr/share/linda/*',
    '/usr/share/lintian/*',
  ],
  ...['/usr/share/locale/*', '/usr/share/man/*', '/usr/share/omf/*', '/usr/share/help/*'],
  '/usr/share/gnome/help/*',
];

function slimDown(root: string): void {
  const lines = SLIM_EXCLUDES.map((path) => `path-exclude ${path}`);
  const config = [...lines, 'path-include /usr/share/doc/*/copyright', ''].join('\n');
  write(root, 'etc/dpkg/dpkg.cfg.d/docker', config);
  for (const path of SLIM_EXCLUDES) {
    const directory = join(root, path.slice(0, -2));
    if (path === '/usr/share/doc/*') emptyButCopyrights(directory);
    else if (existsSync(directory)) empty(directory);
  }
}

/** Licences want to stay with what they license. */
function emptyButCopyrights(docs: string): void {
  for (const name of readdirSync(docs)) {
    const packaged = join(docs, name);
    if (!existsSync(join(packaged, 'copyright'))) rmSync(packaged, { recursive: true });
    else
      for (const file of readdirSync(packaged))
        if (file !== 'copyright') rmSync(join(packaged, file), { recursive: true });
  }
}

function empty(directory: string): void {
  for (const name of readdirSync(directory))
    rmSync(join(directory, name), { recursive: true, force: true });
}

function write(root: string, name: string, content: string, mode = 0o644): void {
  writeFileSync(join(root, name), content, { mode });
}
