import { expect, test } from 'bun:test';
import { Command } from 'commander';
import { withoutSwitchValues } from './switches.ts';

const command = (passing = false) =>
  new Command('run')
    .option('--rm', '', false)
    .option('-t, --tty', '', false)
    .option('-v, --volume <volume>')
    .option('--name <name>')
    .option('--no-trunc')
    .option('--pause', '', true)
    .option('--no-pause')
    .passThroughOptions(passing)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });

test.each([
  [['--rm=true'], ['--rm']],
  [['--rm=1', '--tty=F'], ['--rm']],
  [['--rm=false', 'a'], ['a']],
  [['--no-trunc=false', '--trunc=false'], ['--no-trunc']],
  [['--pause=false'], ['--no-pause']],
  [['--pause=true'], ['--pause']],
  [
    ['--name=false', '--unknown=true'],
    ['--name=false', '--unknown=true'],
  ],
  [
    ['--name', '--rm=false'],
    ['--name', '--rm=false'],
  ],
  [
    ['-tv', '--rm=false', '-va:b', '--rm=false'],
    ['-tv', '--rm=false', '-va:b'],
  ],
  [['a', '--rm=false'], ['a']],
  [
    ['--', '--rm=false'],
    ['--', '--rm=false'],
  ],
])('%j is read as %j', (words, plain) => {
  expect(withoutSwitchValues(command(), words)).toEqual(plain);
});

test('what stands behind the image is for its program', () => {
  const words = ['--rm=false', '-v', 'a:b', 'image', 'program', '--rm=true'];
  expect(withoutSwitchValues(command(true), words)).toEqual(words.slice(1));
});

test('a switch that is neither true nor false is refused in docker’s words', () => {
  expect(() => withoutSwitchValues(command(), ['--tty=maybe'])).toThrow(
    'invalid argument "maybe" for "-t, --tty" flag',
  );
});
