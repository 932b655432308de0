import { perform } from '../perform.ts';
import { call, flags, plan, result, type Step, text } from '../plan/index.ts';
import { readNamespaces } from '../proc/index.ts';

/** A network namespace of a test's own, kept by a process that sleeps in it. */
export interface TestNetns {
  readonly pid: number;
  /** To be opened, for setns(2) and IFLA_NET_NS_FD. */
  readonly path: string;
  /** What a command inside prints. @throws with what it says on stderr when it fails. */
  run(...command: string[]): Promise<string>;
  /** The same, as JSON. */
  json<T>(...command: string[]): Promise<T>;
  /** Starts a command inside and lets it run. */
  start(...command: string[]): Bun.Subprocess<'ignore', 'pipe', 'inherit'>;
  /** Performs steps inside. */
  perform(steps: readonly Step[]): ReturnType<typeof perform>;
  /** Ends all that was started here, so that the kernel takes the namespace away. */
  end(): Promise<void>;
}

export async function testNetns(): Promise<TestNetns> {
  const sleeper = Bun.spawn(['unshare', '--net', 'sleep', 'infinity'], { stdio: NONE });
  const host = readNamespaces('self')?.net;
  while ((readNamespaces(sleeper.pid)?.net ?? host) === host) await Bun.sleep(1);
  const path = `/proc/${sleeper.pid}/ns/net`;
  const started: Bun.Subprocess[] = [sleeper];
  const inside = (command: string[]) => ['nsenter', `--net=${path}`, ...command];
  const run = async (...command: string[]) => {
    const child = Bun.spawn(inside(command), { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) !== 0) throw new Error(`${command.join(' ')}: ${err}`);
    return out;
  };
  return {
    pid: sleeper.pid,
    path,
    run,
    json: async (...command) => JSON.parse((await run(...command)) || '[]'),
    start: (...command) => {
      const child = Bun.spawn(inside(command), { stdio: ['ignore', 'pipe', 'inherit'] });
      started.push(child);
      return child;
    },
    perform: (steps) => perform(plan('in a namespace', [...enterSteps(path), ...steps])),
    end: async () => {
      for (const child of started) child.kill('SIGKILL');
      await Promise.all(started.map(({ exited }) => exited));
    },
  };
}

/** Installs what reads back what we wrote; says so on stderr. */
export async function needPrograms(packages: Record<string, string>): Promise<void> {
  const missing = Object.entries(packages).flatMap(([program, name]) =>
    Bun.which(program, { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }) === null ? [name] : [],
  );
  if (missing.length === 0) return;
  console.error(`installing ${missing.join(', ')} with apt-get, for these tests`);
  for (const command of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
    const child = Bun.spawn(['apt-get', '-qq', ...command], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if ((await child.exited) !== 0) throw new Error(`apt-get ${command.join(' ')} failed`);
  }
}

function enterSteps(path: string): Step[] {
  const netns = result('netns');
  const open = [flags('AT_FDCWD'), text(path), flags('O_RDONLY', 'O_CLOEXEC'), 0];
  return [
    call('openat', open, "the test's network namespace", { save: netns }),
    call('setns', [netns, flags('CLONE_NEWNET')], 'go in there'),
  ];
}

const NONE: ['ignore', 'ignore', 'ignore'] = ['ignore', 'ignore', 'ignore'];
