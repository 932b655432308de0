import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findImage, openStore, stackOf } from '../src/image/index.ts';
import { launch } from '../src/linux/launch-plan.ts';
import { containerPlan, type Process, type Spec } from '../src/runtime/index.ts';
import { birthOf, dockerSpec } from '../src/runtime/testing.ts';
import { freshBaseRoot } from './base.ts';
import { PROGRAM, type Ran } from './cli.ts';

/** Where attacks are tried: a CLOCHE_ROOT and a place for hostile layers and canaries. */
export interface Attacks {
  readonly root: string;
  readonly scratch: string;
  /** Directories of one attack. */
  stage(name: string): Stage;
  /** A container over the hostile layer, its plan performed as it is; `code` is undefined if that failed. */
  contain(stage: Stage, process: Partial<Process>, change?: Partial<Spec>): Promise<Contained>;
  /** The command, called by somebody who leaks `fds` to it, from 3 on. */
  cloche(args: readonly string[], fds?: readonly number[]): Promise<Ran>;
  remove(): void;
}

export interface Stage {
  /** The uppermost layer of the image. */
  readonly hostile: string;
  /** What the container writes. */
  readonly upper: string;
  readonly work: string;
  readonly merged: string;
  /** On the host, where nothing must happen. */
  readonly canary: string;
}

export interface Contained {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

export const shell = (script: string) => ({ args: ['sh', '-c', script] });

export async function openAttacks(): Promise<Attacks> {
  const { root, remove } = await freshBaseRoot();
  const store = openStore(root);
  const base = stackOf(store, findImage(store, 'debian:bookworm')?.chainId)[0]?.directory ?? '';
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-escape-'));
  return {
    ...{ root, scratch },
    stage: (name) => stageAt(join(scratch, name)),
    contain: (stage, process, change = {}) =>
      contain(stage, base, { ...dockerSpec(process), ...change }),
    cloche: (args, fds = []) => cloche(root, args, fds),
    remove() {
      rmSync(scratch, { recursive: true, force: true });
      remove();
    },
  };
}

function stageAt(path: string): Stage {
  const at = (part: string) => {
    mkdirSync(join(path, part), { recursive: true });
    return join(path, part);
  };
  return {
    ...{ hostile: at('hostile'), upper: at('upper'), work: at('work') },
    ...{ merged: at('merged'), canary: at('canary') },
  };
}

async function contain({ hostile, merged, ...stage }: Stage, base: string, spec: Spec) {
  const rootfs = { kind: 'overlay', lower: [hostile, base], ...stage, at: merged } as const;
  const birth = containerPlan(birthOf('escape', rootfs, spec, { bound: true }));
  const launched = launch(birth.plan, { stdio: ['ignore', 'pipe', 'pipe'], control: true });
  const [out, err] = await Promise.all(launched.output.map((one) => new Response(one).text()));
  await launched.exited;
  const failure = launched.memory.failure();
  const status = launched.memory.read(birth.pair.status)[1];
  launched.close();
  return { code: failure === undefined ? status : undefined, out: out ?? '', err: err ?? '' };
}

async function cloche(root: string, args: readonly string[], fds: readonly number[]): Promise<Ran> {
  const child = Bun.spawn([PROGRAM, ...args], {
    env: { ...process.env, CLOCHE_ROOT: root },
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}
