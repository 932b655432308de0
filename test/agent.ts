import { existsSync } from 'node:fs';
import { launch } from '../src/linux/launch-plan.ts';
import {
  block,
  buffer,
  call,
  flags,
  int32,
  plan,
  pointer,
  result,
  type Step,
  text,
  type Value,
  value,
} from '../src/linux/plan/index.ts';

/** Who asked, and the number of the call. */
export interface Question {
  readonly pid: number;
  readonly number: number;
}

/** An agent that listens, and what it has heard once it has ended. */
export interface Agent {
  heard(): Promise<{ readonly told: Told; readonly questions: readonly Question[] }>;
}

/** The runtime-spec's container process state. */
export interface Told {
  readonly ociVersion: string;
  readonly fds: readonly string[];
  readonly pid: number;
  readonly metadata?: string;
  readonly state: { readonly id: string; readonly status: string; readonly pid: number };
}

/** `struct seccomp_notif` and `struct seccomp_notif_resp`, and the ioctls that want them. */
const [ASKED, ANSWERED] = [80, 24];
const [RECEIVE, SEND] = [0xc050_2100, 0xc018_2101];
const GO_ON = 1;
const STATE_MAX = 4096;

/**
 * An agent for seccomp's NOTIFY, itself a plan: takes one listener at `path` and answers as many questions as there
 * are `answers`: an errno, or `go on`. Then it ends, and with it the listener. Source: seccomp_unotify(2).
 */
export async function agent(path: string, answers: readonly (number | 'go on')[]): Promise<Agent> {
  const [said, listener] = [buffer('said', STATE_MAX), result('listener')];
  const questions = answers.map((_, i) => buffer(`question ${i}`, ASKED));
  const steps = [
    ...listenSteps(path, said, listener),
    ...answers.flatMap((answer, i) => answerSteps(listener, questions[i] ?? said, answer)),
  ];
  const launched = launch(plan('agent', steps));
  while (!existsSync(path)) await Bun.sleep(5);
  return {
    heard: async () => {
      await launched.exited;
      const failed = launched.memory.failure();
      if (failed !== undefined) throw new Error(`the agent's step ${failed.step}: ${failed.errno}`);
      const [told = ''] = Buffer.from(launched.memory.read(said)).toString().split('\0');
      const heard = questions.map((question) => Buffer.from(launched.memory.read(question)));
      launched.close();
      return {
        told: JSON.parse(told) as Told,
        questions: heard.map((one) => ({ pid: one.readInt32LE(8), number: one.readInt32LE(16) })),
      };
    },
  };
}

/** Binds beside the path and moves there: whoever sees the socket can connect to it. */
function listenSteps(path: string, said: ReturnType<typeof buffer>, listener: Value): Step[] {
  const [socket, asker] = [result('socket'), result('asker')];
  const name = new TextEncoder().encode(`${path}.new`);
  const address = block('address', [Uint8Array.of(1, 0), name], { size: 110 });
  const vector = block('vector', [pointer(said), STATE_MAX]);
  const control = block('control', [20, int32(1, 1), int32(-1, 0)]);
  const message = block('message', [0, 0, pointer(vector), 1, pointer(control), 24, 0]);
  const at = flags('AT_FDCWD');
  return [
    call('socket', [flags('AF_UNIX'), flags('SOCK_STREAM'), 0], 'listen', { save: socket }),
    call('bind', [socket, pointer(address), 110], 'here'),
    call('listen', [socket, 1], 'for one'),
    call('renameat', [at, text(`${path}.new`), at, text(path)], 'now'),
    call('accept4', [socket, 0, 0, 0], 'who hands the listener over', { save: asker }),
    call('recvmsg', [asker, pointer(message), 0], 'and says whose it is'),
    call('value', [value(control, 16, 'i32')], 'ours', { save: listener }),
  ];
}

function answerSteps(
  listener: Value,
  question: ReturnType<typeof buffer>,
  answer: number | 'go on',
): Step[] {
  const error = answer === 'go on' ? int32(0, GO_ON) : int32(-answer, 0);
  const answered = block('answer', [0, 0, error], { size: ANSWERED });
  return [
    call('ioctl', [listener, RECEIVE, pointer(question)], 'what is asked?'),
    call('value', [value(question)], 'by its number', { save: value(answered, 0) }),
    call('ioctl', [listener, SEND, pointer(answered)], String(answer)),
  ];
}
