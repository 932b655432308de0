import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { ClocheError } from '../../src/error.ts';
import type { Kernel } from './kernel.ts';
import { makeRoot } from './root.ts';
import { CACHE, run, type Say } from './tools.ts';

/**
 * The machine's disks, in the order in which it sees them: its root (a Debian, made once), this
 * repository as it is now, the npm packages (made once for each lock file), and the state.
 * The machine writes into copies that vanish, so a disk can be used again and by several at once.
 */
export interface Disks {
  readonly paths: readonly string[];
  /** Where the kernel's messages of this run go. */
  readonly log: string;
  /** Removes those that were made for this run. */
  remove(): void;
}

/**
 * @param command what the machine shall run, in the repository.
 * @param state a directory that becomes `/var/lib/cloche` in the machine, such as the host's own,
 *   so that images made here need not be made there.
 * @throws {ClocheError} `COMMAND_FAILED`, `VM_STATE_MISSING`, and those of `debootstrap`.
 */
export async function makeDisks(
  kernel: Kernel,
  command: readonly string[],
  state: string | undefined,
  say: Say,
): Promise<Disks> {
  if (state !== undefined && !existsSync(state))
    throw new ClocheError('VM_STATE_MISSING', `there is no directory '${state}'`, {
      class: 'not-found',
    });
  const root = await once(
    `root-${kernel.release}-${hashOf('test/vm/root.ts', 'test/vm/init.sh')}`,
    'root',
    say,
    (at) => makeRoot(at, kernel, say),
  );
  const packages = await once(`packages-${hashOf('package-lock.json')}`, 'packages', say, (at) =>
    cpSync('node_modules', at, { recursive: true, verbatimSymlinks: true }),
  );
  const work = mkdtempSync(`${tmpdir()}/cloche-vm-`);
  copyRepository(`${work}/repository`, command);
  const repository = imageOf(`${work}/repository`, `${work}/repository.ext4`, 1024);
  const states = state === undefined ? [] : [imageOf(state, `${work}/state.ext4`, 2048)];
  return {
    paths: [root, repository, packages, ...states],
    log: `${work}/boot.log`,
    remove: () => rmSync(work, { recursive: true, force: true }),
  };
}

/** A disk that is made when it is not in the cache; what had another key is removed. */
async function once(
  name: string,
  what: string,
  say: Say,
  fill: (directory: string) => void | Promise<void>,
): Promise<string> {
  const image = `${CACHE}/${name}.ext4`;
  if (existsSync(image)) return image;
  say(`making the disk with its ${what} (once)`);
  const work = mkdtempSync(`${CACHE}/make-`);
  try {
    mkdirSync(`${work}/content`);
    await fill(`${work}/content`);
    imageOf(`${work}/content`, `${work}/image`, 1024);
    for (const old of readdirSync(CACHE)) if (old.startsWith(`${what}-`)) rmSync(`${CACHE}/${old}`);
    renameSync(`${work}/image`, image);
    return image;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** An ext4 filesystem with the directory's content, without mounting it. @param spare MiB left free */
function imageOf(directory: string, image: string, spare: number): string {
  const [used = ''] = run(['du', '-sm', directory]).split('\t');
  const size = Math.ceil(Number(used) * 1.2) + spare;
  const options = ['-q', '-t', 'ext4', '-O', '^has_journal', '-E', 'root_owner=0:0'];
  run(['mke2fs', ...options, '-d', directory, image, `${size}M`]);
  return image;
}

function copyRepository(to: string, command: readonly string[]) {
  const left = ['node_modules', '.git', '.cache'];
  for (const name of readdirSync('.'))
    if (!left.includes(name))
      cpSync(name, `${to}/${name}`, { recursive: true, verbatimSymlinks: true });
  mkdirSync(`${to}/node_modules`);
  mkdirSync(`${to}/.cache`);
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const colors = process.stdout.isTTY ? '' : 'export NO_COLOR=1\n';
  writeFileSync(`${to}/.cache/command`, `${colors}exec ${words.join(' ')}\n`);
}

function hashOf(...files: string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}
