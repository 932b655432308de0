import { resolve } from 'node:path';

/** The command, for those who start it in a way of their own. */
export const PROGRAM = resolve(import.meta.dir, '../bin/cloche');

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * The command line as a user meets it, on a CLOCHE_ROOT of its own; `input` is typed into it.
 *
 * @param before a command that goes on as another one: `nsenter --net=…`
 */
export function cloche(
  root: string,
  args: readonly string[],
  input?: string,
  before: readonly string[] = [],
): Promise<Ran> {
  return clocheWith(root, args, {}, input, before);
}

/** As `cloche`, in an environment with something more. */
export async function clocheWith(
  root: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input?: string,
  before: readonly string[] = [],
): Promise<Ran> {
  const child = Bun.spawn([...before, PROGRAM, ...args], {
    env: { ...process.env, ...env, CLOCHE_ROOT: root },
    stdio: [input === undefined ? 'ignore' : new Blob([input]), 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}
