import { $ } from 'bun';
import type { Store } from '../../src/image/store.ts';
import { needTools } from '../tools.ts';

/** Skopeo, with which others move images: into a registry, out of it, and what it says of them. */
export async function skopeo(...args: readonly string[]): Promise<string> {
  needTools('skopeo');
  const { exitCode, stdout, stderr } = await $`skopeo ${args}`.quiet().nothrow();
  if (exitCode !== 0) throw new Error(`skopeo ${args.join(' ')} failed: ${stderr}`);
  return stdout.toString();
}

/** Copies an image of ours to a registry without our own client. */
export async function skopeoPush(store: Store, image: string, target: string): Promise<void> {
  await skopeo(
    'copy',
    '--dest-tls-verify=false',
    `oci:${store.root}:${image}`,
    `docker://${target}`,
  );
}
