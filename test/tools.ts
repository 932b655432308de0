import { spawnSync } from 'node:child_process';

/** Tools of others that judge our work, and the Debian package of each. */
const PACKAGES = {
  skopeo: 'skopeo',
  umoci: 'umoci',
  openssl: 'openssl',
  'ssh-agent': 'openssh-client',
  'musl-gcc': 'musl-tools',
  'qemu-aarch64-static': 'qemu-user-static',
} as const;

/** Makes sure that the tools are there: what is missing is installed with apt-get, and said. */
export function needTools(...tools: (keyof typeof PACKAGES)[]): void {
  const missing = tools.filter((tool) => Bun.which(tool) === null).map((tool) => PACKAGES[tool]);
  if (missing.length === 0) return;
  console.error(`tests: installing ${missing.join(', ')} with apt-get (once)`);
  const apt = (...args: string[]) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status, stderr } = spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed: ${stderr}`);
  };
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...missing);
}
