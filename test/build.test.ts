import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { needTools } from './tools.ts';

const CLOCHE = resolve(import.meta.dir, '../bin/cloche');

let root: string;
let remove: () => void;
let contexts = 0;

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);

afterAll(() => remove());

function cloche(...args: string[]) {
  return Bun.spawn([CLOCHE, ...args], { env: process.env, stdout: 'pipe', stderr: 'pipe' });
}

async function ended(child: ReturnType<typeof cloche>) {
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

function contextOf(dockerfile: string): string {
  const context = join(root, `context-${contexts++}`);
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  return context;
}

test('RUN is really run: as the user, in the directory, with the environment, and it stays', async () => {
  const context = contextOf(`FROM debian:bookworm
ARG WHAT=thing
ENV MADE_BY=cloche
RUN useradd -m -u 1234 learner
WORKDIR /home/learner
USER learner
RUN --network=none id -un > who && pwd > where && echo $MADE_BY $WHAT $HOME > env && ls /sys/class/net > net
CMD ["cat", "who", "where", "env", "net"]
`);
  expect((await ended(cloche('build', '-t', 'learner', context))).code).toBe(0);
  const ran = await ended(cloche('run', '--rm', '--network', 'none', 'learner'));
  expect(ran.stdout).toBe('learner\n/home/learner\ncloche thing /home/learner\nlo\n');
}, 60_000);

test('WORKDIR after USER belongs to the user, with the directories above that it makes', async () => {
  const context = contextOf(`FROM debian:bookworm
RUN useradd -u 1234 -g users learner
USER learner
WORKDIR /made/for/him
RUN touch here && stat -c '%U:%G %n' /made . here > owners
CMD ["cat", "owners"]
`);
  const built = await ended(cloche('build', '--network', 'none', '-t', 'his', context));
  expect([built.code, built.stderr]).toEqual([0, expect.anything()]);
  const { stdout } = await ended(cloche('run', '--rm', '--network', 'none', 'his'));
  expect(stdout).toBe('learner:users /made\nlearner:users .\nlearner:users here\n');
}, 60_000);

test('WORKDIR before USER belongs to root, so a user that comes after it cannot write there, as in docker', async () => {
  const context = contextOf('FROM debian:bookworm\nWORKDIR /work\nUSER 1234\nRUN touch here');
  const { code, stderr } = await ended(cloche('build', '--network', 'none', context));
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("touch: cannot touch 'here': Permission denied"),
  ]);
});

test('a RUN that fails says its command, its line, its exit code and its last words', async () => {
  const context = contextOf('FROM debian:bookworm\nRUN echo last words; exit 7');
  const { code, stderr } = await ended(cloche('build', '--network', 'none', context));
  expect(code).toBe(1);
  expect(stderr).toContain(
    'Dockerfile:2:1: process "/bin/sh -c echo last words; exit 7" did not complete successfully: exit code: 7',
  );
  expect(stderr).toContain('   2 | >>> RUN echo last words; exit 7');
  expect(stderr.slice(stderr.indexOf('------'))).toMatch(
    /^------\nlast words\n------\nDockerfile:2\n-+\n(.*\n){2}-+\ncloche: Dockerfile:2:1: process .*exit code: 7\nhint: cloche build --debug opens .*\n$/,
  );
  expect(stderr.split('\n').filter((line) => line === 'last words')).toHaveLength(1);
});

test('what RUN mounts over is not in the layer, and nothing of the host is', async () => {
  const context = contextOf(
    'FROM debian:bookworm\nRUN cat /etc/resolv.conf /etc/hosts > /dev/null && touch /made',
  );
  const { code } = await ended(cloche('build', '--network', 'none', '-t', 'clean', context));
  expect(code).toBe(0);
  const layers = readdirSync(join(root, 'snapshots')).filter((name) => !name.startsWith('active'));
  const ours = layers.map((name) => readdirSync(join(root, 'snapshots', name, 'fs')).sort());
  expect(ours).toContainEqual(['made']);
});

test('a build that is killed in the middle of RUN leaves nothing once the next command ran', async () => {
  const marker = `cloche-test-${process.pid}`;
  const context = contextOf(`FROM debian:bookworm\nRUN echo begun; exec -a ${marker} sleep 60`);
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM debian:bookworm\nSHELL ["/bin/bash", "-c"]\nRUN echo begun; exec -a ${marker} sleep 60`,
  );
  const child = cloche('build', '--network', 'none', context);
  const reader = child.stderr.getReader();
  for (let said = ''; !/^#\d+ [\d.]+ begun$/m.test(said); ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(said);
    said += Buffer.from(value).toString();
  }
  child.kill('SIGKILL');
  await child.exited;
  expect((await ended(cloche('ps'))).code).toBe(0);
  await Bun.sleep(200);
  expect(readdirSync(join(root, 'snapshots')).filter((name) => name.startsWith('active'))).toEqual(
    [],
  );
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  expect(processesCalled(marker)).toEqual([]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(root);
});

function processesCalled(name: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(name);
    } catch {
      return false;
    }
  });
}

test('--iidfile and --metadata-file say which image it is and what each step did', async () => {
  const context = contextOf('FROM debian:bookworm AS only\nRUN touch /it');
  const build = (...flags: string[]) =>
    ended(
      cloche(
        'build',
        '--network=none',
        '--progress=json',
        `--iidfile=${context}/id`,
        ...flags,
        context,
      ),
    );
  const metadata = `--metadata-file=${context}/meta.json`;
  expect((await build(metadata)).code).toBe(0);
  const steps = () =>
    JSON.parse(readFileSync(join(context, 'meta.json'), 'utf8'))['cloche.build'].steps.filter(
      ({ instruction }: { instruction?: string }) => instruction === 'RUN touch /it',
    );
  expect(steps()).toMatchObject([{ stage: 'only', cached: false }]);
  const { stdout } = await build(metadata);
  expect(steps()).toMatchObject([{ cached: true, milliseconds: expect.any(Number) }]);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).kind),
  ).toContain('cached');
  await build(metadata, '--no-cache-filter', 'only');
  expect(steps()).toMatchObject([{ cached: false }]);
  const quiet = await ended(cloche('build', '--network=none', '-q', context));
  expect(quiet).toEqual({ code: 0, stdout: `${readFileSync(join(context, 'id'))}\n`, stderr: '' });
});

test('--explain says what would be done and why, as lines and as JSON, and does nothing', async () => {
  const context = contextOf('FROM debian:bookworm\nRUN touch /explained');
  const explain = (...flags: string[]) => ended(cloche('build', '--explain', ...flags, context));
  expect((await explain()).stdout).toContain('run     [2/2] RUN touch /explained');
  await ended(cloche('build', context));
  expect((await explain()).stdout).toContain('cached  [2/2] RUN touch /explained');
  writeFileSync(join(context, 'Dockerfile'), 'FROM debian:bookworm\nRUN touch /explained /more');
  const [, run] = JSON.parse((await explain('--json')).stdout);
  expect(run).toMatchObject({ would: 'run', why: 'the command changed' });
});

test('-o gives files, an archive of them, or the image as an archive', async () => {
  const context = contextOf('FROM scratch\nCOPY Dockerfile /there/');
  const to = (dest: string, ...more: string[]) =>
    ended(cloche('build', '-q', '-o', dest, ...more, context));
  expect((await to(`${context}-out`)).code).toBe(0);
  expect(readdirSync(`${context}-out/there`)).toEqual(['Dockerfile']);
  expect((await to('-')).stdout).toContain('there/Dockerfile');
  expect((await to(`type=oci,dest=${context}.tar`, '-t', 'archived')).code).toBe(0);
  // It is given away: there is no such image here, and before it is loaded there are no names.
  expect((await ended(cloche('images', '-q', 'archived'))).stdout).toBe('');
  const loaded = await ended(cloche('load', '-i', `${context}.tar`));
  expect(loaded.stdout).toContain('Loaded image: archived:latest');
});

test('several -o are all done, of one build, and the files say what they are', async () => {
  const context = contextOf('FROM scratch\nCOPY Dockerfile /there/');
  const files = (...flags: string[]) =>
    ended(
      cloche(
        ...['build', `--iidfile=${context}/id`, `--metadata-file=${context}/meta.json`],
        ...[...flags, context],
      ),
    );
  const read = (name: string) => readFileSync(join(context, name), 'utf8');
  const many = ['-o', `${context}/out`, '-o', `type=oci,dest=${context}/it.tar`, '--load'];
  expect((await files(...many, '-t', 'several')).code).toBe(0);
  expect(readdirSync(join(context, 'out/there'))).toEqual(['Dockerfile']);
  expect(read('it.tar')).toContain('oci-layout');
  const { stdout } = await ended(cloche('images', '-q', '--no-trunc', 'several'));
  expect(stdout).toBe(`${read('id')}\n`);
  const metadata = JSON.parse(read('meta.json'));
  expect(metadata).toMatchObject({
    'containerimage.config.digest': read('id'),
    'containerimage.descriptor': {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: metadata['containerimage.digest'],
      platform: { os: 'linux' },
    },
    'image.name': 'docker.io/library/several:latest',
  });
  // No image comes of this one, and the file does not go on to name the last one.
  expect((await files('-o', `${context}/out`)).code).toBe(0);
  expect(read('id')).toBe('');
  expect(Object.keys(JSON.parse(read('meta.json')))).toEqual(['cloche.build']);
  const both = await files('-o', 'type=tar', '-o', '-');
  expect(both.stderr).toContain('only one output can go to standard output');
});

test('an image is written as it is asked for: as a directory, annotated, compressed otherwise', async () => {
  const context = contextOf('FROM debian:bookworm\nCOPY Dockerfile /there/');
  const out = `${context}-layout`;
  const output = `type=oci,dest=${out},tar=false,compression=zstd`;
  const flags = ['--annotation', 'org.example.a=b', '--provenance=false', '--sbom=false'];
  const built = await ended(cloche('build', '-q', '-t', 'as:1', '-o', output, ...flags, context));
  expect([built.code, built.stderr]).toEqual([0, '']);
  const read = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8'));
  const [entry] = read('index.json').manifests;
  expect(entry.annotations['io.containerd.image.name']).toBe('docker.io/library/as:1');
  const manifest = read(`blobs/sha256/${entry.digest.slice(7)}`);
  expect(manifest.annotations).toEqual({ 'org.example.a': 'b' });
  const zstd = 'application/vnd.oci.image.layer.v1.tar+zstd';
  expect(manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType)).toEqual([
    zstd,
    zstd,
  ]);
  // Others read it, down to the diffIDs of the layers.
  needTools('skopeo');
  const copied = Bun.spawnSync(['skopeo', 'copy', '-q', `oci:${out}`, `dir:${context}-copied`]);
  expect([copied.exitCode, copied.stderr.toString()]).toEqual([0, '']);
  // The same without the other form is the same image.
  const plain = await ended(cloche('build', '-q', '-t', 'as:1', context));
  expect(plain.stdout).toBe(built.stdout);
  const annotated = [
    '-t',
    'as:2',
    '--annotation',
    'x=y',
    '-o',
    'type=image,compression=uncompressed',
  ];
  await ended(cloche('build', '-q', ...annotated, context));
  const ran = await ended(
    cloche('run', '--rm', '--network=none', plain.stdout.trim(), 'ls', '/there'),
  );
  expect(ran).toMatchObject({ code: 0, stdout: 'Dockerfile\n' });
});

test('a Dockerfile on standard input needs no context', async () => {
  const stdin = Buffer.from('FROM debian:bookworm\nRUN echo from stdin');
  const child = Bun.spawn([CLOCHE, 'build', '-'], { env: process.env, stdin, stderr: 'pipe' });
  expect(await new Response(child.stderr).text()).toContain(' from stdin\n');
  expect(await child.exited).toBe(0);
});

test('--platform: what is for another machine is made by the programs of this one', async () => {
  const context = contextOf(`FROM --platform=$BUILDPLATFORM debian:bookworm AS tools
ARG TARGETARCH
RUN --network=none uname -s > /made; echo $TARGETARCH >> /made
FROM scratch
COPY --from=tools /made /`);
  const flags = ['--platform', 'linux/s390x', '-t', 'foreign'];
  expect((await ended(cloche('build', ...flags, context))).code).toBe(0);
  const format = '{{.Os}}/{{.Architecture}}';
  const { stdout } = await ended(cloche('image', 'inspect', '-f', format, 'foreign'));
  expect(stdout).toBe('linux/s390x\n');
  const away = ['-o', `type=oci,dest=${context}/oci,tar=false`];
  expect((await ended(cloche('build', ...flags, ...away, context))).code).toBe(0);
  const index = JSON.parse(readFileSync(join(context, 'oci/index.json'), 'utf8'));
  expect(index.manifests[0].platform).toEqual({ os: 'linux', architecture: 's390x' });
  const ran = await ended(cloche('run', '--rm', '--network=none', 'foreign', '/made'));
  const platforms = `(linux/s390x) does not match this machine's (linux/`;
  expect(ran.stderr).toContain(`warning: the image's platform ${platforms}`);
  const files = join(context, 'out');
  await ended(cloche('build', ...flags, '-o', files, context));
  expect(readFileSync(join(files, 'made'), 'utf8')).toBe('Linux\ns390x\n');
  const bad = await ended(cloche('build', '--platform', 'a//b', context));
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("'a//b' is not a platform")]);
});
