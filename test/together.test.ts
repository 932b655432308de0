import { afterAll, beforeAll, expect, test } from 'bun:test';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche, PROGRAM, type Ran } from './cli.ts';
import { IMAGE } from './containers.ts';
import { storeFaults } from './store-faults.ts';
import { type Watch, watch } from './traces.ts';

/**
 * Four people use one CLOCHE_ROOT at the same time, each for his own containers; whatever the others do just
 * then, each command says what it would say to him alone, and in the end nothing is left.
 */
const MARKER = 'together-marker';
const SEED = Number(process.env.TOGETHER_SEED ?? Date.now() % 1_000_000);
let root = '';
let remove = () => {};
let seen: Watch;

beforeAll(async () => {
  console.log(`TOGETHER_SEED=${SEED}`);
  ({ root, remove } = await freshBaseRoot());
  await cloche(root, ['run', '--rm', IMAGE, 'true']);
  seen = watch(root, { marker: MARKER, port: 1 });
}, BASE_TIMEOUT);

afterAll(() => {
  seen.close();
  remove();
});

/** The same seed, the same numbers from 0 to below `count`. */
function chooser(seed: number): (count: number) => number {
  let state = seed >>> 0;
  return (count) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
}

/** Somebody, and what he finds wrong. */
interface Person {
  readonly wrong: unknown[];
  readonly choose: (count: number) => number;
  /** Does a command; `out` is what it has to print, if that is known. */
  says(code: number, out: string | undefined, ...words: string[]): Promise<void>;
  /** Starts a container that sleeps, by the bridge or without a network. */
  sleeper(name: string, ...flags: string[]): Promise<void>;
}

function person(seed: number): Person {
  const wrong: unknown[] = [];
  const choose = chooser(seed);
  const says = async (code: number, out: string | undefined, ...words: string[]) => {
    const ran = await cloche(root, words);
    if (!fits(ran, code, out)) wrong.push({ words, ...ran });
  };
  const network = () => (choose(2) === 0 ? 'bridge' : 'none');
  const sleeper = (name: string, ...flags: string[]) =>
    says(
      ...[0, undefined, 'run', '-d', `--network=${network()}`, '--name', name, ...flags],
      ...[IMAGE, 'sh', '-c', `exec sleep 100 # ${MARKER}`],
    );
  return { wrong, choose, says, sleeper };
}

const fits = ({ code, out, err }: Ran, wanted: number, said: string | undefined) =>
  code === wanted && err === '' && (said === undefined || out === said);

/** What one does with a container of that name; afterwards it is gone. */
const DEEDS: readonly ((me: Person, name: string) => Promise<void>)[] = [
  ({ says }) => says(4, 'hi\n', 'run', '--rm', IMAGE, 'sh', '-c', 'echo hi; exit 4'),
  async ({ says }, name) => {
    const script = ['--name', name, IMAGE, 'sh', '-c', 'sleep 0.2; echo out; exit 5'];
    await says(0, undefined, 'run', '-d', ...script);
    await says(0, '5\n', 'wait', name);
    await says(0, 'out\n', 'logs', name);
    await says(0, `${name}\n`, 'rm', name);
  },
  async ({ says, sleeper }, name) => {
    await sleeper(name);
    await says(6, 'in\n', 'exec', name, 'sh', '-c', 'echo in; exit 6');
    await says(0, `${name}\n`, 'rm', '-f', name);
  },
  async ({ says }, name) => {
    // It ends sooner than anybody can look at it.
    await says(0, undefined, 'create', '--name', name, IMAGE, 'sh', '-c', 'echo again; exit 7');
    for (let i = 0; i < 2; i++) await says(7, 'again\n', 'start', '-a', name);
    await says(0, `${name}\n`, 'rm', name);
  },
  async ({ says, sleeper }, name) => {
    await sleeper(name);
    for (const word of ['pause', 'unpause']) await says(0, `${name}\n`, word, name);
    for (let i = 0; i < 2; i++) await says(0, `${name}\n`, 'restart', '-t', '0', name);
    await says(0, `${name}\n`, 'kill', name);
    await says(0, '137\n', 'wait', name);
    await says(0, `${name}\n`, 'rm', name);
  },
  async ({ says, sleeper }, name) => {
    await sleeper(name, '--rm', '-p', '0:80/udp');
    await says(0, `${name}\n`, 'stop', '-t', '0', name);
  },
  async ({ says }, name) => {
    const script = ['--name', name, IMAGE, 'sh', '-c', 'read _; exit 3'];
    const env = { ...process.env, CLOCHE_ROOT: root };
    const running = Bun.spawn([PROGRAM, 'run', '--rm', '-i', ...script], { env, stdin: 'pipe' });
    const isUp = async () => (await cloche(root, ['ps', '-q', '-f', `name=${name}`])).out !== '';
    while (!(await isUp())) await Bun.sleep(20);
    const waited = says(0, '3\n', 'wait', name);
    await Bun.sleep(150);
    running.stdin.write('\n');
    await running.stdin.end();
    await waited;
    await running.exited;
  },
  async ({ choose }, name) => {
    const words = ['run', '--rm', '--name', name, IMAGE, 'sh', '-c', `exec sleep 100 # ${MARKER}`];
    const env = { ...process.env, CLOCHE_ROOT: root };
    const child = Bun.spawn([PROGRAM, ...words], { env, stdio: ['ignore', 'ignore', 'ignore'] });
    await Bun.sleep(choose(150));
    child.kill('SIGKILL');
    await child.exited;
  },
  ({ says }) => says(0, undefined, 'ps', '-a'),
  ({ says }) => says(0, undefined, 'system', 'df'),
];

async function live(who: number): Promise<unknown[]> {
  const me = person(SEED + who);
  for (let i = 0; i < 30; i++) await DEEDS[me.choose(DEEDS.length)]?.(me, `${'abcd'[who]}-${i}`);
  return me.wrong;
}

test('what others do at the same time is nothing to anybody, and nothing of it stays', async () => {
  const before = seen.traces();
  expect((await Promise.all([0, 1, 2, 3].map(live))).flat()).toEqual([]);
  expect(await cloche(root, ['ps', '-aq'])).toEqual({ code: 0, out: '', err: '' });
  // Of what has just ended the kernel takes away the links in its own time.
  for (let i = 0; i < 200 && seen.traces().join() !== before.join(); i++) await Bun.sleep(20);
  expect(seen.traces()).toEqual(before);
  expect(storeFaults(root)).toEqual([]);
}, 120_000);
