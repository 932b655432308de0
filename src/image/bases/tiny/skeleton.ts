import type { Account } from '../account.ts';
import type { Upper } from '../upper.ts';

export interface SkeletonOptions {
  /** Root's. */
  readonly shell: string;
  /** Beside root, daemon and nobody. */
  readonly accounts?: readonly Account[];
}

/** The directories and files that any small system has: accounts, places to mount on and write to. */
export function skeleton(upper: Upper, { shell, accounts = [] }: SkeletonOptions): void {
  for (const path of ['dev', 'etc', 'home', 'proc', 'run', 'sys', 'usr/local/bin', 'var/log'])
    upper.makeDirectory(path);
  upper.makeDirectory('root', 0o700);
  for (const path of ['tmp', 'var/tmp']) upper.makeDirectory(path, 0o1777);
  const nologin = '/sbin/nologin';
  const all: Account[] = [
    { name: 'root', id: 0, home: '/root', shell },
    { name: 'daemon', id: 1, home: '/', shell: nologin },
    { name: 'nobody', id: 65534, home: '/', shell: nologin },
    ...accounts,
  ];
  const lines = (line: (account: Account) => string) => `${all.map(line).join('\n')}\n`;
  upper.writeFile(
    'etc/passwd',
    lines(({ name, id, home, shell: own }) => `${name}:x:${id}:${id}:${name}:${home}:${own}`),
  );
  upper.writeFile(
    'etc/group',
    lines(({ name, id }) => `${name}:x:${id}:`),
  );
  upper.writeFile(
    'etc/shadow',
    lines(({ name }) => `${name}:*::0:::::`),
    0o640,
  );
  upper.writeFile('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
  // Places for the runtime's own files: they are mounted over.
  for (const name of ['hostname', 'hosts', 'resolv.conf']) upper.writeFile(`etc/${name}`, '');
}
