import { expect, test } from 'bun:test';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerScene } from './containers.ts';

const SECRET = 'the secret of the host';

/** What is copied while a container exchanges its names: nothing of the host comes in, and nothing goes out to it. */
const { cloche, run } = containerScene();

test('CVE-2018-15664: a directory that is exchanged for a link while it is copied leads nowhere else', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-escape-'));
  const [canary, out] = [join(scratch, 'canary'), join(scratch, 'out')];
  mkdirSync(canary);
  writeFileSync(join(canary, 'secret'), SECRET);
  mkdirSync(join(scratch, 'tree/deep'), { recursive: true });
  writeFileSync(join(scratch, 'in'), 'from the host');
  const exchange = `for (;;) { rename '/d', '/x'; rename '/l', '/d'; rename '/d', '/l'; rename '/x', '/d' }`;
  const script = `mkdir /d; echo inside > /d/secret; ln -s ${canary} /l; exec perl -e "${exchange}"`;
  await run('box', 'sh', '-c', script);
  await Bun.sleep(300);
  const codes = new Set<number>();
  for (let i = 0; i < 15; i++) {
    for (const path of ['/d', '/d/secret']) {
      rmSync(out, { recursive: true, force: true });
      codes.add((await cloche('cp', `box:${path}`, out)).code);
      expect(secretsIn(out)).toEqual([]);
    }
    expect((await cloche('cp', 'box:/d', '-')).out.includes(SECRET)).toBe(false);
    codes.add((await cloche('cp', join(scratch, 'in'), 'box:/d/secret')).code);
    codes.add((await cloche('cp', join(scratch, 'tree'), 'box:/d/new')).code);
    expect(readdirSync(canary)).toEqual(['secret']);
  }
  // Sometimes it met the directory, sometimes the link or nothing.
  expect(codes).toEqual(new Set([0, 1]));
  expect(readFileSync(join(canary, 'secret'), 'utf8')).toBe(SECRET);
  for (let i = 0; i < 3; i++)
    expect((await cloche('export', 'box')).out.includes(SECRET)).toBe(false);
  await cloche('rm', '-f', 'box');
  rmSync(scratch, { recursive: true });
}, 300_000);

/** Files that hold the host's; a link is copied as a link, and leads where it says. */
function secretsIn(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return readdirSync(path).flatMap((name) => secretsIn(join(path, name)));
  return stat?.isFile() && readFileSync(path, 'utf8').includes(SECRET) ? [path] : [];
}
