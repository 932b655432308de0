import { afterEach, expect, test } from 'bun:test';
import { Command } from 'commander';
import { annotationsOf, buildArgsOf, labelsOf, withBuildFlags } from './flags.ts';

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

test.each(['default', 'bridge', 'host', 'none'])('--network %s is one', (mode) => {
  expect(parsed('--network', mode).network).toBe(mode);
});

test('--network refuses what is no network of a build, and names those', () => {
  expect(() => parsed('--network', 'foo')).toThrow(
    'Allowed choices are default, bridge, host, none',
  );
});

test.each(['rawjson', 'plain'])('--progress %s is one', (kind) => {
  expect(parsed('--progress', kind).progress).toBe(kind);
});

test.each(['--provenance', '--sbom'])('%s is false, or says that there is none', (flag) => {
  expect(parsed(`${flag}=false`)).toMatchObject({ [flag.slice(2)]: 'false' });
  for (const value of ['true', 'mode=max'])
    expect(() => parsed(`${flag}=${value}`)).toThrow('cloche makes no attestations');
});

test('an annotation is the manifest’s, and of nothing else', () => {
  expect(annotationsOf(['a.b=c=d', 'manifest:e=f'])).toEqual({ 'a.b': 'c=d', e: 'f' });
  expect(() => annotationsOf(['index:a=b'])).toThrow("'index' has no annotations");
  expect(() => annotationsOf(['manifest-descriptor:a=b'])).toThrow('has no annotations');
  expect(() => annotationsOf(['a'])).toThrow("'a' has no value");
});

function parsed(...words: string[]) {
  const command = withBuildFlags(new Command('build'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parse([...words, '.'], { from: 'user' }).opts();
}
