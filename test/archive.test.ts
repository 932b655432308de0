import { afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import {
  commit,
  configOf,
  getImage,
  type Image,
  parseReference,
  prepare,
  type Store,
  stackOf,
  treeOf,
  writeImage,
} from '../src/image/index.ts';
import { imageOfFiles, temporaryStore, writeFiles } from '../src/image/testing.ts';
import { find, readNode } from '../src/image/tree.ts';
import { cloche as clocheIn, PROGRAM } from './cli.ts';
import { needTools } from './tools.ts';

/** `save`, `load`, `import` and `export`, and the same with the tools of others. */
let store: Store;
let scratch: string;
let cleanUp: (() => void)[];

beforeAll(() => needTools('skopeo', 'umoci'));
beforeEach(() => {
  const { store: mine, remove } = temporaryStore();
  store = mine;
  scratch = mkdtempSync(join(tmpdir(), 'cloche-archive-'));
  cleanUp = [remove, () => rmSync(scratch, { recursive: true })];
});
afterEach(() => {
  for (const action of cleanUp) action();
});

const at = (name: string) => join(scratch, name);
const cloche = (...args: string[]) => clocheIn(store.root, args);
const done = { code: 0, err: '' };

/** Another store, as if on another machine. */
function elsewhere(): Store {
  const other = temporaryStore();
  cleanUp.unshift(other.remove);
  return other.store;
}

async function twoLayers(name: string): Promise<Image> {
  const base = await imageOfFiles(store, 'base:1', { 'etc/motd': 'hello\n', 'etc/gone': '' });
  const active = prepare(store, base.chainId);
  writeFiles(active.upper, { 'app/main.js': 'run' });
  const { diffId } = await commit(store, active);
  const config = configOf(store, base);
  const rootfs = { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, diffId] };
  return writeImage(store, { ...config, config: { Cmd: ['x'] }, rootfs }, [parseReference(name)]);
}

test('save -o, load -i: the same image elsewhere', async () => {
  const { id } = await twoLayers('app:1');
  expect(await cloche('save', '-o', at('a.tar'), 'app:1')).toEqual({ ...done, out: '' });
  expect(readdirSync(scratch)).toEqual(['a.tar']);
  const other = elsewhere();
  const loaded = await clocheIn(other.root, ['load', '-i', at('a.tar')]);
  expect(loaded).toEqual({ ...done, out: 'Loaded image: app:1\n' });
  expect(getImage(other, 'app:1').id).toBe(id);
  const again = await clocheIn(other.root, ['image', 'load', '-q', '-i', at('a.tar')]);
  expect(again).toEqual({ ...done, out: '' });
});

test('save into a pipe, load out of it', async () => {
  const { id } = await twoLayers('app:1');
  const other = elsewhere();
  const env = (root: string) => ({ ...process.env, CLOCHE_ROOT: root });
  const bin = join(import.meta.dir, '../bin/cloche');
  const saved = Bun.spawn([bin, 'save', '--format', 'oci', id], {
    env: env(store.root),
    stdout: 'pipe',
  });
  const loading = Bun.spawn([bin, 'load'], {
    env: env(other.root),
    stdin: saved.stdout,
    stdout: 'pipe',
  });
  expect(await new Response(loading.stdout).text()).toBe(`Loaded image ID: ${id}\n`);
});

test('a save that fails leaves no file, and takes none away', async () => {
  writeFileSync(at('a.tar'), 'precious');
  const { code, err } = await cloche('save', '-o', at('a.tar'), 'nothing');
  expect([code, err]).toEqual([1, expect.stringContaining('no such image: nothing:latest')]);
  expect(readFileSync(at('a.tar'), 'utf8')).toBe('precious');
  expect(readdirSync(scratch)).toEqual(['a.tar']);
});

test('save writes into a device and does not replace it', async () => {
  await twoLayers('app:1');
  expect((await cloche('save', '-o', '/dev/null', 'app:1')).code).toBe(0);
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

test('who reads no further than the beginning ends it without a word', async () => {
  await imageOfFiles(store, 'big:1', { a: randomBytes(1 << 21).toString('latin1') });
  const script = `"$0" save big:1 | head -c1; echo " $PIPESTATUS"`;
  const env = { ...process.env, CLOCHE_ROOT: store.root };
  const { stdout, stderr } = Bun.spawnSync(['bash', '-c', script, PROGRAM], { env });
  expect([stdout.toString(), stderr.toString()]).toEqual(['b 141\n', '']);
});

test('an archive is not written to a terminal, nor read from one', async () => {
  await twoLayers('app:1');
  const typed = async (line: string) => {
    const command = `${join(import.meta.dir, '../bin/cloche')} ${line}`;
    const env = { ...process.env, CLOCHE_ROOT: store.root };
    return $`script -qec ${command} /dev/null < /dev/null`.env(env).nothrow().text();
  };
  expect(await typed('save app:1')).toContain('refusing to save to a terminal');
});

test('import with changes and a message, from a file and from standard input', async () => {
  await $`mkdir -p root/bin && echo hi > root/bin/x && tar -czf root.tgz -C root .`.cwd(scratch);
  const changes = ['-c', 'CMD ["/bin/x"]', '-c', 'ENV A=b C="d e"', '-c', 'WORKDIR /srv'];
  const { code, out } = await cloche('import', '-m', 'mine', ...changes, at('root.tgz'), 'my/root');
  const image = getImage(store, 'my/root:latest');
  expect([code, out]).toEqual([0, `${image.id}\n`]);
  const { config, history } = configOf(store, image);
  expect(config).toEqual({ Cmd: ['/bin/x'], Env: ['A=b', 'C=d e'], WorkingDir: '/srv' });
  expect(history).toMatchObject([{ comment: 'mine' }]);
  await $`tar -cf root.tar -C root .`.cwd(scratch);
  const child = Bun.spawn([join(import.meta.dir, '../bin/cloche'), 'import', '-'], {
    env: { ...process.env, CLOCHE_ROOT: store.root },
    stdio: [Bun.file(at('root.tar')), 'pipe', 'inherit'],
  });
  expect(await new Response(child.stdout).text()).toMatch(/^sha256:[0-9a-f]{64}\n$/);
});

test('import from a web server, and what it says when there is nothing', async () => {
  await $`mkdir -p root && echo hi > root/x && tar -czf root.tgz -C root .`.cwd(scratch);
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: ({ url }) =>
      url.endsWith('.tgz')
        ? new Response(Bun.file(at('root.tgz')))
        : new Response('no', { status: 404 }),
  });
  const url = `http://127.0.0.1:${server.port}`;
  const imported = await cloche('import', `${url}/root.tgz`, 'web:1');
  const missing = await cloche('import', `${url}/nothing`);
  await server.stop(true);
  const gone = await cloche('import', `${url}/root.tgz`);
  const image = getImage(store, 'web:1');
  expect(imported).toEqual({ ...done, out: `${image.id}\n` });
  expect(configOf(store, image).history).toMatchObject([
    { comment: `Imported from ${url}/root.tgz` },
  ]);
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('404')]);
  expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('cannot get')]);
});

test.each([
  ['a change that runs something', ['import', '-c', 'RUN true', 'x'], 'not a valid change command'],
  ['a change that is none', ['import', '-c', 'NONSENSE', 'x'], 'unknown instruction'],
  ['to import what is not there', ['import', 'nowhere.tar'], 'no such file'],
  ['to load what is not there', ['load', '-i', 'nowhere.tar'], 'no such file'],
  ['to load what is no archive', ['load', '-i', '/etc/passwd'], 'wrong checksum'],
  ['to export what is no container', ['export', 'nobody'], 'no such container'],
])('%s is refused', async (_, args, message) => {
  const { code, err } = await cloche(...args);
  expect(code).toBe(1);
  expect(err.toLowerCase()).toContain(message);
});

test('skopeo reads both forms, and umoci unpacks what skopeo made of them', async () => {
  const image = await twoLayers('app:1');
  await cloche('save', '-o', at('docker.tar'), 'app:1');
  await cloche('save', '--format', 'oci', '-o', at('oci.tar'), 'app:1');
  await $`skopeo copy -q docker-archive:docker.tar:app:1 oci:layout:one`.cwd(scratch);
  await $`skopeo copy -q oci-archive:oci.tar oci:layout:two`.cwd(scratch);
  const two = await $`skopeo inspect --raw oci:layout:two`.cwd(scratch).arrayBuffer();
  expect(new Bun.CryptoHasher('sha256').update(two).digest('hex')).toBe(image.manifest.slice(7));
  const one = await $`skopeo inspect --config oci:layout:one`.cwd(scratch).json();
  expect(one.rootfs.diff_ids).toEqual(configOf(store, image).rootfs.diff_ids);
  await $`umoci unpack --image layout:two bundle`.cwd(scratch).quiet();
  expect(readFileSync(at('bundle/rootfs/app/main.js'), 'utf8')).toBe('run');
});

test.each(['docker-archive:x.tar:app:2', 'oci-archive:x.tar:app:2'])(
  'what skopeo wrote as %s is loaded',
  async (target) => {
    const image = await twoLayers('app:1');
    await $`skopeo copy -q oci:${store.root}:app:1 ${target}`.cwd(scratch);
    const other = elsewhere();
    const { out } = await clocheIn(other.root, ['load', '-i', at('x.tar')]);
    expect(out).toBe('Loaded image: app:2\n');
    const loaded = getImage(other, 'app:2');
    expect(loaded.chainId).toBe(image.chainId);
    expect(configOf(other, loaded).config).toEqual({ Cmd: ['x'] });
  },
);

test('layers that umoci made are unpacked to what umoci packed, whiteouts too', async () => {
  await twoLayers('app:1');
  await $`skopeo copy -q oci:${store.root}:app:1 oci:layout:app`.cwd(scratch);
  await $`umoci unpack --image layout:app bundle`.cwd(scratch).quiet();
  const changes =
    'rm -r etc && mkdir etc && echo new > etc/new && chmod 4711 app/main.js && ' +
    'mknod null c 1 3 && chown 12:34 etc/new && ln app/main.js app/twin';
  await $`sh -c ${changes}`.cwd(at('bundle/rootfs'));
  await $`umoci repack --image layout:app bundle`.cwd(scratch).quiet();
  await $`tar -cf repacked.tar -C layout .`.cwd(scratch);
  const other = elsewhere();
  const { out } = await clocheIn(other.root, ['load', '-i', at('repacked.tar')]);
  const [, id = ''] = /^Loaded image ID: (\S+)\n$/.exec(out) ?? [];
  const { chainId } = getImage(other, id);
  const [top] = stackOf(other, chainId);
  const tree = treeOf(other, chainId);
  const seen = (path: string) => find(tree, path)?.stat;
  expect([seen('etc/motd'), seen('etc/gone')]).toEqual([undefined, undefined]);
  expect(seen('etc/new')).toMatchObject({ uid: 12n, gid: 34n });
  expect(seen('app/main.js')).toMatchObject({ mode: 0o104711n, nlink: 2n });
  expect(seen('null')?.rdev).toBe(0x103n);
  const main = find(tree, 'app/twin');
  expect(main === undefined ? '' : readNode(tree, main).toString()).toBe('run');
  expect(existsSync(join(top?.directory ?? '', 'etc/new'))).toBe(true);
});

test('a load that is killed, at whatever moment, leaves nothing but what the next one uses', async () => {
  const files = Array.from({ length: 1500 }, (_, i) => [`d${i % 40}/f${i}`, `${i}`.repeat(900)]);
  await imageOfFiles(store, 'big:1', Object.fromEntries(files));
  await cloche('save', '-o', at('big.tar'), 'big:1');
  const other = elsewhere();
  const bin = join(import.meta.dir, '../bin/cloche');
  const env = { ...process.env, CLOCHE_ROOT: other.root };
  let killed = 0;
  for (let moment = 60; moment <= 300; moment += 20) {
    const loading = Bun.spawn([bin, 'load', '-q'], {
      env,
      stdio: [Bun.file(at('big.tar')), 'ignore', 'ignore'],
    });
    await Bun.sleep(moment);
    loading.kill('SIGKILL');
    await loading.exited;
    if (loading.signalCode === 'SIGKILL') killed++;
  }
  expect(killed).toBeGreaterThan(3);
  expect((await clocheIn(other.root, ['load', '-i', at('big.tar')])).code).toBe(0);
  const { manifest, size } = getImage(other, 'big:1');
  expect({ manifest, size }).toMatchObject({ manifest: getImage(store, 'big:1').manifest });
  expect(readdirSync(join(other.root, 'tmp'))).toEqual([]);
  expect(readdirSync(join(other.root, 'snapshots'))).toHaveLength(1);
  expect(readdirSync(join(other.root, 'blobs/sha256'))).toHaveLength(3);
}, 60_000);

test.each([
  ['bytes', 'size=40m', 'does not fit on the disk'],
  ['inodes', 'size=400m,nr_inodes=300', 'no space left on the disk'],
])('on a disk without %s left a load says so, and leaves nothing', async (_, options, message) => {
  const files = Array.from({ length: 400 }, (_, i) => [`f${i}`, 'x'.repeat(1000)]);
  await imageOfFiles(store, 'many:1', Object.fromEntries(files));
  await cloche('save', '-o', at('many.tar'), 'many:1');
  const root = at('root');
  const bin = join(import.meta.dir, '../bin/cloche');
  // In a mount namespace of its own: when it ends, so does the mount.
  const script = `mkdir ${root} && mount -t tmpfs -o ${options} tmpfs ${root} || exit 99
    CLOCHE_ROOT=${root} ${bin} load -i ${at('many.tar')}; echo $?
    ls -A ${root}/tmp ${root}/snapshots ${root}/blobs/sha256`;
  const { stdout, stderr } = await $`unshare --mount sh -c ${script}`.quiet();
  expect(stderr.toString()).toContain(message);
  const left = ['tmp', 'snapshots', 'blobs/sha256'].map((name) => `${root}/${name}:\n`);
  expect(stdout.toString().split('\n').sort()).toEqual(`1\n${left.join('\n')}`.split('\n').sort());
});

test('two loads of the same archive at once both succeed', async () => {
  await twoLayers('app:1');
  await cloche('save', '-o', at('a.tar'), 'app:1');
  const other = elsewhere();
  const loads = [1, 2, 3].map(() => clocheIn(other.root, ['load', '-i', at('a.tar')]));
  const loaded = { ...done, out: 'Loaded image: app:1\n' };
  expect(await Promise.all(loads)).toEqual([loaded, loaded, loaded]);
  expect(readdirSync(join(other.root, 'snapshots'))).toHaveLength(2);
  expect(readdirSync(join(other.root, 'tmp'))).toEqual([]);
});
