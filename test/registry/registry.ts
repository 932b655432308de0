import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Tests know nobody's credentials; those of this machine's user stay where they are. */
export const NOBODYS_CONFIG = join(tmpdir(), 'cloche-tests-without-docker-config');
process.env.DOCKER_CONFIG = NOBODYS_CONFIG;

/** Debian's docker-registry as the tests start it: on the loopback, with a directory of its own. */
export interface TestRegistry {
  /** `127.0.0.1:40123`, the beginning of its images' names. */
  readonly address: string;
  readonly directory: string;
  /** What it has logged, one JSON or text line for each request. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

export interface RegistryOptions {
  /** Paths of PEM files: then it speaks https. */
  readonly tls?: {
    readonly certificate: string;
    readonly key: string;
    /** Who vouches for clients, if they must have certificates. */
    readonly clients?: string;
  };
  /** Names and passwords: then it wants Basic. */
  readonly users?: Readonly<Record<string, string>>;
  /** Then it wants Bearer tokens. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    /** PEM file of who signs tokens. */
    readonly roots: string;
  };
  readonly port?: number;
  /** The directory of one that was stopped, to be continued. */
  readonly directory?: string;
}

/** Starts a registry, and waits until it answers. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const program = registryProgram();
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'cloche-registry-'));
  const port = options.port ?? freePort();
  const address = `127.0.0.1:${port}`;
  const configuration = join(directory, 'config.json');
  writeFileSync(configuration, JSON.stringify(await settings(options, directory, address)));
  const log = join(directory, 'log');
  const fd = openSync(log, 'a');
  const child = spawn(program, ['serve', configuration], { stdio: ['ignore', fd, fd] });
  closeSync(fd);
  await answering(child, port, log);
  return {
    address,
    directory,
    log: async () => {
      // It writes a request down after it has answered.
      await Bun.sleep(100);
      return Bun.file(log).text();
    },
    stop: async () => {
      await ended(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML, too. */
async function settings(options: RegistryOptions, directory: string, addr: string) {
  const { tls, users, token } = options;
  const hash = (password: string) => Bun.password.hash(password, { algorithm: 'bcrypt', cost: 5 });
  const lines = Object.entries(users ?? {}).map(async ([n, p]) => `${n}:${await hash(p)}\n`);
  const htpasswd = join(directory, 'htpasswd');
  writeFileSync(htpasswd, (await Promise.all(lines)).join(''));
  const auth =
    token !== undefined
      ? { token: { ...token, roots: undefined, rootcertbundle: token.roots } }
      : users && { htpasswd: { realm: 'cloche tests', path: htpasswd } };
  return {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
    http: { addr, ...(tls && { tls: tlsSettings(tls) }) },
    ...(auth && { auth }),
  };
}

function tlsSettings({ certificate, key, clients }: NonNullable<RegistryOptions['tls']>) {
  return { certificate, key, ...(clients === undefined ? {} : { clientcas: [clients] }) };
}

async function answering(child: ChildProcess, port: number, log: string): Promise<void> {
  const socket = { data: () => undefined };
  for (let attempt = 0; child.exitCode === null && attempt < 200; attempt++) {
    const connecting = Bun.connect({ hostname: '127.0.0.1', port, socket });
    const connection = await connecting.catch(() => undefined);
    connection?.end();
    if (connection !== undefined) return;
    await Bun.sleep(50);
  }
  await ended(child);
  throw new Error(`docker-registry does not answer: ${await Bun.file(log).text()}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

function freePort(): number {
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: () => undefined },
  });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/**
 * The installed program, or Debian's package unpacked beside the code: to install it would start a
 * registry as a service of this machine.
 */
function registryProgram(): string {
  const installed = Bun.which('docker-registry');
  if (installed !== null) return installed;
  const folder = resolve(import.meta.dir, '../../.cache/docker-registry');
  const program = join(folder, 'usr/bin/docker-registry');
  if (existsSync(program)) return program;
  console.error('tests: fetching docker-registry with apt-get (once)');
  mkdirSync(folder, { recursive: true });
  run('apt-get', ['-qq', 'update'], folder);
  run('apt-get', ['-qq', 'download', 'docker-registry'], folder);
  run('sh', ['-c', 'dpkg-deb -x docker-registry_*.deb .'], folder);
  return program;
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
}
