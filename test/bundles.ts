import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findImage, openStore, stackOf } from '../src/image/index.ts';
import type { Spec } from '../src/runtime/index.ts';
import { freshBaseRoot } from './base.ts';
import { PROGRAM, type Ran } from './cli.ts';

/** The runtime by itself, driven as other engines drive runc, with bundles of a Debian. */
export interface Bundles {
  /** Where the test may write. */
  readonly scratch: string;
  /** `cloche oci …` with a root of its own. */
  oci(...args: readonly string[]): Promise<Ran>;
  /** A bundle whose program is a shell script; `change` has the last word. */
  bundle(name: string, script: string, change?: (spec: Spec) => object): Promise<string>;
  statusOf(id: string): Promise<string>;
  /** Waits until it has that status, two seconds at most. */
  until(wanted: string, id: string): Promise<void>;
  remove(): void;
}

export async function openBundles(): Promise<Bundles> {
  const base = await freshBaseRoot();
  const store = openStore(base.root);
  const rootfs = stackOf(store, findImage(store, 'debian:bookworm')?.chainId)[0]?.directory ?? '';
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-oci-'));
  // Somebody who is not root out here shall find the way to the rootfs.
  chmodSync(base.root, 0o711);
  const oci = (...args: readonly string[]) => ociIn(scratch, args);
  const statusOf = async (id: string) =>
    (JSON.parse((await oci('state', id)).out) as { status: string }).status;
  return {
    ...{ scratch, oci, statusOf },
    async bundle(name, script, change = (spec) => spec) {
      const path = join(scratch, name);
      mkdirSync(path);
      const made = await oci('spec', '--bundle', path);
      if (made.code !== 0) throw new Error(made.err);
      const spec = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')) as Spec;
      const process = { ...spec.process, terminal: false, args: ['sh', '-c', script] };
      const changed = change({ ...spec, process, root: { path: rootfs, readonly: true } } as Spec);
      writeFileSync(join(path, 'config.json'), JSON.stringify(changed));
      return path;
    },
    async until(wanted, id) {
      for (let i = 0; i < 100 && (await statusOf(id)) !== wanted; i++) await Bun.sleep(20);
      const is = await statusOf(id);
      if (is !== wanted) throw new Error(`${id} is ${is} and not ${wanted}`);
    },
    remove() {
      rmSync(scratch, { recursive: true, force: true });
      base.remove();
    },
  };
}

let calls = 0;

/** Into files and not pipes: a created container keeps what it was given, and a pipe would not end. */
async function ociIn(scratch: string, args: readonly string[]): Promise<Ran> {
  const [out, err] = ['out', 'err'].map((name) => join(scratch, `${name}.${calls++}`));
  for (const path of [out, err]) writeFileSync(path ?? '', '');
  const child = Bun.spawn([PROGRAM, 'oci', '--root', join(scratch, 'state'), ...args], {
    stdio: ['ignore', Bun.file(out ?? ''), Bun.file(err ?? '')],
  });
  const code = await child.exited;
  return { code, out: readFileSync(out ?? '', 'utf8'), err: readFileSync(err ?? '', 'utf8') };
}
