import { expect, test } from 'bun:test';
import { containerScene, IMAGE } from './containers.ts';

/** Images of containers; each test removes its own. */
const { cloche, run } = containerScene();

const configOf = async (name: string) =>
  JSON.parse((await cloche('image', 'inspect', '-f', '{{json .Config}}', name)).out);

test('commit makes an image of what a container has changed, and of how it was started', async () => {
  const script = 'echo mine > /made; chown 7:8 /made; rm -r /opt; sleep 100';
  const flags = ['-e', 'A=1', '-w', '/tmp', '-l', 'app=web', '--expose', '80'];
  const [shell, words] = [
    ['sh', '-c', script],
    ['--name', 'box', '--network', 'none'],
  ];
  await cloche('run', '-d', ...words, ...flags, IMAGE, ...shell);
  await Bun.sleep(300);
  const changes = ['-c', 'CMD ["cat", "/made"]', '--change', 'ENV B=2'];
  const ran = await cloche(
    'commit',
    '-a',
    'A. Uthor',
    '-m',
    'as it is',
    ...changes,
    'box',
    'mine:1',
  );
  expect(ran).toEqual({ code: 0, out: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/), err: '' });
  expect(await configOf('mine:1')).toMatchObject({
    Cmd: ['cat', '/made'],
    Env: expect.arrayContaining(['A=1', 'B=2']),
    WorkingDir: '/tmp',
    Labels: { app: 'web' },
    ExposedPorts: { '80/tcp': {} },
  });
  const about = '{{.Author}} {{.Comment}} {{len .RootFS.Layers}}';
  expect((await cloche('inspect', '-f', about, 'mine:1')).out).toBe('A. Uthor as it is 2\n');
  expect((await cloche('history', '--no-trunc', 'mine:1')).out).toContain(script);
  const alone = ['run', '--rm', '--network=none', 'mine:1'];
  expect((await cloche(...alone)).out).toBe('mine\n');
  const look = await cloche(
    ...alone,
    'sh',
    '-c',
    'stat -c %u:%g /made; pwd; ls -d /opt || echo gone',
  );
  expect(look.out).toBe('7:8\n/tmp\ngone\n');
  // It went on: it was only held still.
  expect((await cloche('ps', '--format', '{{.Names}} {{.State}}')).out).toBe('box running\n');
  await cloche('rm', '-f', 'box');
  await cloche('rmi', 'mine:1');
});

test('commit of one that is paused leaves it so, and without a name the image has none', async () => {
  await run('box', 'sleep', '100');
  await cloche('pause', 'box');
  for (const flags of [[], ['--pause=false']]) {
    const { out } = await cloche('commit', ...flags, 'box');
    expect((await cloche('inspect', '-f', '{{json .RepoTags}}', out.trim())).out).toBe('[]\n');
    await cloche('rmi', out.trim());
  }
  expect((await cloche('ps', '--format', '{{.State}}')).out).toBe('paused\n');
  await cloche('rm', '-f', 'box');
});

test.each([
  [['nope'], 'no such container: nope'],
  [['box', 'Not/A/Name'], 'Not/A/Name'],
  [['-c', 'RUN true', 'box'], 'RUN true is not a valid change command'],
])('commit %j is refused', async (args, message) => {
  await run('box', 'true');
  const { code, err } = await cloche('commit', ...args);
  expect([code, err]).toEqual([1, expect.stringContaining(message)]);
  await cloche('wait', 'box');
  await cloche('rm', 'box');
});
