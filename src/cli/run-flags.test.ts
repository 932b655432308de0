import { expect, test } from 'bun:test';
import { Command } from 'commander';
import { NOTHING, withRunFlags } from './run-flags.ts';

const flagsFor = async (words: string[]) =>
  (await withRunFlags(new Command('run').passThroughOptions(), words)).options.map(
    ({ long }) => long,
  );

test.each([
  [
    ['--rm', '-it', 'image', 'sh', '-c', 'true', '--read-only'],
    ['rm', 'interactive', 'tty'],
  ],
  [['--name', '--read-only', 'image'], ['name']],
  [
    ['-e', '-c', '-eA=-P', '-p80:80', '-v', 'a:b', '--network=none', 'image', '-q'],
    ['env', 'publish', 'volume', 'network'],
  ],
  [
    ['-dit', '--rm=false', '--', '--read-only'],
    ['detach', 'interactive', 'tty', 'rm'],
  ],
  [[], []],
])('%j needs no other flags than %j', async (words, names) => {
  expect(await flagsFor(words)).toEqual(names.map((name) => `--${name}`));
});

test.each([
  [['--rm', '--read-only', 'image']],
  [['-itP', 'image']],
  [['--name', 'x', '--ulimit=core=0', 'image']],
  [['--help']],
  [['--nonsense', 'image']],
])('%j needs all of them', async (words) => {
  expect((await flagsFor(words)).length).toBeGreaterThan(60);
});

test('whatever may be given many times begins with nothing', async () => {
  const { options } = await withRunFlags(new Command('run'), ['--help']);
  const samples: Record<string, string> = {
    ...{ '--add-host': 'db:10.0.0.1', '--mount': 'type=tmpfs,dst=/x', '--publish': '80:80' },
    ...{ '--ulimit': 'core=0', '--security-opt': 'seccomp=builtin', '--volume': 'a:/b' },
    ...{ '--expose': '80', '--label': 'a=b', '--pid': 'host' },
  };
  for (const { long, parseArg, argChoices, defaultValue } of options) {
    if (parseArg === undefined || argChoices !== undefined || defaultValue !== undefined) continue;
    expect(parseArg(samples[long ?? ''] ?? '7', undefined)).toBeDefined();
  }
});

test('what nobody has given is the same, whichever flags are there', async () => {
  const given = async (words: string[]) => {
    const command = await withRunFlags(new Command('run').argument('<image>'), words);
    command.action(() => undefined).parse(['image'], { from: 'user' });
    const flags: Record<string, unknown> = { ...NOTHING, ...command.opts() };
    // Commander's, of --no-healthcheck; nobody asks for it.
    delete flags.healthcheck;
    return flags;
  };
  expect(await given(['--help'])).toEqual(await given([]));
});
