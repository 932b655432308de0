import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM } from './cli.ts';

let elsewhere: string;

beforeAll(() => {
  elsewhere = mkdtempSync(join(tmpdir(), 'cloche-program-'));
  mkdirSync(join(elsewhere, 'bin'));
  symlinkSync(PROGRAM, join(elsewhere, 'bin/cloche'));
});

afterAll(() => rmSync(elsewhere, { recursive: true }));

test.each(['bin/cloche', './bin/cloche', 'cd bin && ./cloche', 'PATH=$PWD/bin:$PATH cloche'])(
  'through a link the command finds itself: %s',
  async (words) => {
    const child = Bun.spawn(['sh', '-c', `${words} --version`], {
      cwd: elsewhere,
      stderr: 'pipe',
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect([await child.exited, err]).toEqual([0, '']);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  },
);
