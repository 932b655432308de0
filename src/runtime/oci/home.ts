import { perform } from '../../linux/perform.ts';
import { buffer, call, flags, plan, pointer, result, text } from '../../linux/plan/index.ts';
import { openInRoot } from '../birth/paths.ts';
import type { Process } from '../spec.ts';

/** More of a passwd nobody has, and nobody needs to read. */
const PASSWD_MAX = 256 * 1024;

/**
 * The process with a HOME, where its environment has none: its user's by the root's own `/etc/passwd`, or `/`.
 * As runc has it, since programs expect one.
 *
 * @param root a path of the host; what is in there may be hostile
 */
export async function withHome(process: Process, root: string): Promise<Process> {
  const env = process.env ?? [];
  if (env.some((entry) => /^HOME=./s.test(entry))) return process;
  const home = homeIn(await readPasswd(root), process.user.uid);
  return { ...process, env: [...env.filter((entry) => entry !== 'HOME='), `HOME=${home}`] };
}

/** Source: passwd(5). */
export function homeIn(passwd: string, uid: number): string {
  const lines = passwd.split('\n').map((line) => line.split(':'));
  const home = lines.find(([, , own]) => own === String(uid))?.[5] ?? '';
  return home === '' ? '/' : home;
}

/** By openat2, so that no link in there leads to a file of the host; empty where there is none. */
async function readPasswd(path: string): Promise<string> {
  const [root, file, length] = [result('root'), result('passwd'), result('length')];
  const content = buffer('content', PASSWD_MAX);
  const open = flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  const performed = await perform(
    plan('home', [
      call('openat', [flags('AT_FDCWD'), text(path), open], 'the root', { save: root }),
      // A FIFO of that name shall keep nobody waiting.
      openInRoot(root, '/etc/passwd', ['O_RDONLY', 'O_NONBLOCK'], 'who has which home', {
        save: file,
        tolerate: 'any',
      }),
      call('read', [file, pointer(content), PASSWD_MAX], 'read it', {
        save: length,
        tolerate: 'any',
      }),
      call('exit_group', [0], 'done'),
    ]),
  );
  const bytes = Math.max(0, Number(performed.value(length)));
  return new TextDecoder().decode(performed.read(content).subarray(0, bytes));
}
