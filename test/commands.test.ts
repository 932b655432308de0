import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { COMMANDS } from '../src/cli/commands.ts';
import type { Entries } from '../src/cli/entry.ts';
import { cloche as clocheIn, PROGRAM } from './cli.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'cloche-commands-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const cloche = (...args: string[]) => clocheIn(root, args);

/** Each command that is a file, by what one types: `image ls`. */
function* files(
  entries: Entries,
  before = '',
): Generator<[string, string, () => Promise<Command>]> {
  for (const [name, [about, what]] of Object.entries(entries)) {
    if (typeof what === 'function') yield [`${before}${name}`, about, what];
    else yield* files(what, `${before}${name} `);
  }
}

const ALL = Object.values(COMMANDS).flatMap((entries) => [...files(entries)]);

test.each(ALL)('the help has the line that %s says of itself', async (_, about, load) => {
  expect((await load()).description()).toStartWith(about);
});

test('--help names every command under its heading and needs no state', async () => {
  const { code, out } = await cloche('--help');
  expect(code).toBe(0);
  for (const heading of Object.keys(COMMANDS)) expect(out).toContain(`\n${heading}\n`);
  for (const name of Object.values(COMMANDS).flatMap(Object.keys))
    expect(out).toMatch(new RegExp(`^  ${name} .`, 'm'));
});

test.each([
  [[], 'Usage: cloche '],
  [['help'], 'Usage: cloche '],
  [['image'], 'Usage: cloche image '],
  [['image', '--help'], 'Usage: cloche image '],
  [['help', 'rmi'], 'Usage: cloche rmi '],
  [['image', 'rm', '--help'], 'Usage: cloche image rm '],
  [['--version'], '0.1.0\n'],
])('%j prints help and gives 0', async (args, begins) => {
  expect(await cloche(...args)).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(new RegExp(`^${begins}`)),
  });
});

test.each([
  [['imgaes'], "'imgaes' is not a cloche command", 'did you mean images? See cloche --help'],
  [['image', 'lss'], "'lss' is not a cloche image command", 'did you mean ls? See cloche image'],
  [['zzz'], "'zzz' is not a cloche command", 'see cloche --help'],
  [['constructor'], "'constructor' is not a cloche command", 'see cloche --help'],
])('%j is unknown: 1, and what was meant', async (args, message, hint) => {
  const { code, err, out } = await cloche(...args);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(message);
  expect(err).toContain(hint);
});

test.each([
  ['image list', 'image ls'],
  ['image remove', 'image rm'],
  ['container list', 'container ls'],
  ['container ps', 'container ls'],
  ['container remove', 'container rm'],
  ['volume list', 'volume ls'],
  ['volume remove', 'volume rm'],
])('%s is %s, and the help has one of them', async (alias, name) => {
  const [group = '', ...words] = alias.split(' ');
  const { out } = await cloche(group, ...words, '--help');
  expect(out.replace(alias, name)).toBe((await cloche(...name.split(' '), '--help')).out);
  const help = (await cloche(group, '--help')).out;
  expect(help).toMatch(new RegExp(`^  ${name.split(' ')[1]} `, 'm'));
  expect(help).not.toMatch(new RegExp(`^  ${words[0]} `, 'm'));
});

test.each([
  [['exec'], 1, "'cloche exec' requires at least 2 arguments"],
  [['run'], 1, "'cloche run' requires at least 1 argument"],
  [['create', '--rm'], 1, "'cloche create' requires at least 1 argument"],
  [['image', 'rm'], 1, "'cloche image rm' requires at least 1 argument"],
  [['cp', 'a'], 1, "'cloche cp' requires 2 arguments"],
  [['images', 'a', 'b'], 1, "'cloche images' requires at most 1 argument"],
  [['ps', 'a'], 1, "'cloche ps' accepts no arguments"],
  [['port'], 1, "'cloche port' requires at least 1 and at most 2 arguments"],
  [['run', '--foo', 'a'], 125, 'unknown flag: --foo'],
  [['rm', '-Zf', 'a'], 125, "unknown shorthand flag: 'Z' in -Zf"],
  [['run', '-m'], 125, 'flag needs an argument: -m, --memory'],
  [['run', '-m', 'x', 'a'], 125, 'invalid argument "x" for "-m, --memory" flag: a size looks'],
])('%j is answered in docker’s words, and names the help', async (args, code, message) => {
  const ran = await cloche(...args);
  const words = args.slice(0, args[0] === 'image' ? 2 : 1);
  expect([ran.code, ran.out]).toEqual([code, '']);
  expect(ran.err).toStartWith(`cloche: ${message}`);
  expect(ran.err).toMatch(new RegExp(`^hint: .*see 'cloche ${words.join(' ')} --help'$`, 'm'));
});

test('a flag that is misspelt names the one that was meant, whatever its value', async () => {
  const { code, err } = await cloche('run', '--netwrok=none', 'a');
  expect(code).toBe(125);
  expect(err).toBe(
    "cloche: unknown flag: --netwrok\nhint: did you mean --network? See 'cloche run --help'\n",
  );
});

test('a reader that is gone ends the command as SIGPIPE would, and in silence', async () => {
  const script = 'exec {gone}> >(exit 0); wait $!; "$0" images >&$gone; echo $?';
  const env = { ...process.env, CLOCHE_ROOT: root };
  const shell = Bun.spawn(['bash', '-c', script, PROGRAM], { env, stdout: 'pipe', stderr: 'pipe' });
  const said = await Promise.all([
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
  ]);
  expect(said).toEqual(['141\n', '']);
});

test('help says defaults that are something, and leaves out those that are nothing', async () => {
  const { out } = await cloche('run', '--help');
  expect(out).toContain('default: "bridge"');
  expect(out).not.toMatch(/default:\s+(false|\[\]|\{\})/);
});
