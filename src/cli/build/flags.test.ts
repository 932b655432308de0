import { afterEach, expect, test } from 'bun:test';
import { Command } from 'commander';
import { annotationsOf, buildArgsOf, labelsOf, NOTHING, withBuildFlags } from './flags.ts';

afterEach(() => {
  delete process.env.CLOCHE_TEST_SET;
});

test('a --build-arg without a value has our own, or is not given', () => {
  process.env.CLOCHE_TEST_SET = 'ours';
  const said = ['A=1', 'B=', 'CLOCHE_TEST_SET', 'CLOCHE_TEST_UNSET', 'constructor'];
  expect(buildArgsOf(said)).toEqual({ A: '1', B: '', CLOCHE_TEST_SET: 'ours' });
});

test('a --label without a value is empty, whatever our environment has', () => {
  process.env.CLOCHE_TEST_SET = 'ours';
  const labels = labelsOf(['a=b=c', 'CLOCHE_TEST_SET']);
  expect(labels).toEqual({ a: 'b=c', CLOCHE_TEST_SET: '' });
  expect(() => labelsOf(['=x'])).toThrow("'=x' has no name");
});

test.each(['default', 'bridge', 'host', 'none'])('--network %s is one', async (mode) => {
  expect((await parsed('--network', mode)).network).toBe(mode);
});

test('--network refuses what is no network of a build, and names those', () => {
  expect(parsed('--network', 'foo')).rejects.toThrow(
    'Allowed choices are default, bridge, host, none',
  );
});

test.each(['rawjson', 'plain'])('--progress %s is one', async (kind) => {
  expect((await parsed('--progress', kind)).progress).toBe(kind);
});

test.each(['--provenance', '--sbom'])('%s is false, or says that there is none', async (flag) => {
  expect(await parsed(`${flag}=false`)).toMatchObject({ [flag.slice(2)]: 'false' });
  for (const value of ['true', 'mode=max'])
    expect(parsed(`${flag}=${value}`)).rejects.toThrow('cloche makes no attestations');
});

test.each([
  [['-t', '--push', '.'], 'usual'],
  [['.', '-qt', 'a', '--build-arg=A=--push', '--no-cache'], 'usual'],
  [['.', '-t', 'a', '--push'], 'rare'],
  [['--help'], 'rare'],
  [['--nonsense', '.'], 'rare'],
])('%j needs the %s flags', async (words, which) => {
  const { options } = await withBuildFlags(new Command('build'), words);
  expect(options.some(({ long }) => long === '--push')).toBe(which === 'rare');
});

test('what nobody has given is the same, whichever flags are there', async () => {
  const given = async (words: string[]) => {
    const command = await withBuildFlags(new Command('build'), words);
    command.action(() => undefined).parse(['.'], { from: 'user' });
    const flags: Record<string, unknown> = { ...NOTHING, ...command.opts() };
    // Commander's, of --no-rm and --no-cache-filter; both mean that nothing is asked for.
    delete flags.rm;
    delete flags.cacheFilter;
    return flags;
  };
  expect(await given(['--help'])).toEqual(await given([]));
});

test('an annotation is the manifest’s, and of nothing else', () => {
  expect(annotationsOf(['a.b=c=d', 'manifest:e=f'])).toEqual({ 'a.b': 'c=d', e: 'f' });
  expect(() => annotationsOf(['index:a=b'])).toThrow("'index' has no annotations");
  expect(() => annotationsOf(['manifest-descriptor:a=b'])).toThrow('has no annotations');
  expect(() => annotationsOf(['a'])).toThrow("'a' has no value");
});

async function parsed(...words: string[]) {
  const command = (await withBuildFlags(new Command('build'), words))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parse([...words, '.'], { from: 'user' }).opts();
}
