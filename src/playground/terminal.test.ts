import { afterEach, expect, test } from 'bun:test';
import { Terminal } from './terminal.ts';

const open: Terminal[] = [];
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});

async function terminal(lines: string[] = [], signal?: AbortSignal): Promise<Terminal> {
  const one = new Terminal({
    name: 'a',
    folder: '/tmp',
    env: { PATH: process.env.PATH },
    onLine: (line) => lines.push(line),
    ...(signal === undefined ? {} : { signal }),
  });
  open.push(one);
  await one.ready();
  return one;
}

const a = { terminal: 'a' } as const;

test('a line is typed, and what appeared is given without echo and prompt', async () => {
  expect(await (await terminal()).type({ ...a, line: 'echo $((6*7)); pwd' })).toBe('42\n/tmp');
});

test('what runs there has a real terminal', async () => {
  expect(await (await terminal()).type({ ...a, line: 'tty; stty size' })).toMatch(
    /^\/dev\/pts\/\d+\n50 160$/,
  );
});

test('a command that stays holds the terminal until its key', async () => {
  const one = await terminal();
  await one.type({ ...a, line: 'cat', stays: true });
  await one.type({ ...a, line: 'heard', stays: true, see: /heard\nheard/ });
  await one.type({ ...a, line: '', control: 'c' });
  expect(await one.type({ ...a, line: 'echo back' })).toContain('back');
});

test('a prompt within a shell within the shell counts', async () => {
  const one = await terminal();
  await one.type({ ...a, line: "PS1='inner# ' bash --norc -i" });
  expect(await one.type({ ...a, line: 'echo $SHLVL' })).toMatch(/^\d+$/);
});

test('every whole line is told as it appears, with its prompt', async () => {
  const lines: string[] = [];
  await (await terminal(lines)).type({ ...a, line: 'echo one; echo two' });
  expect(lines).toEqual(['host$ echo one; echo two', 'one', 'two']);
});

test('a broken promise names the command and shows the screen', async () => {
  const typed = (await terminal()).type({ ...a, line: 'echo no', see: /yes/ });
  expect(typed).rejects.toMatchObject({ code: 'PROMISE_BROKEN', details: { screen: 'no' } });
  await typed.catch(() => undefined);
});

test('a time-out says what was on the screen', async () => {
  const one = await terminal();
  const typed = one.type({ ...a, line: 'echo hung; sleep 30', within: 0.5 });
  expect(typed).rejects.toMatchObject({ code: 'TERMINAL_SILENT' });
  const error = await typed.catch((reason) => reason);
  expect(error.details.screen).toContain('hung');
});

test('an interruption ends the wait at once', async () => {
  const controller = new AbortController();
  const one = await terminal([], controller.signal);
  const typed = one.type({ ...a, line: 'sleep 30', within: 30 });
  setTimeout(() => controller.abort(), 100);
  const start = performance.now();
  expect(await typed.catch((reason) => reason)).toMatchObject({ code: 'INTERRUPTED' });
  expect(performance.now() - start).toBeLessThan(2000);
});

test('a shell that ended is said to have ended', async () => {
  const one = await terminal();
  const error = await one.type({ ...a, line: 'exit 3' }).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'TERMINAL_CLOSED', details: { exitCode: 3 } });
});
