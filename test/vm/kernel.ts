import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { ClocheError } from '../../src/error.ts';
import { CACHE, run, type Say } from './tools.ts';

/** Debian's kernel for virtual machines, unpacked and not installed. */
export interface Kernel {
  /** `6.1.0-56-cloud-amd64` */
  readonly release: string;
  readonly image: string;
  /** Its `/lib/modules/<release>`. */
  readonly modules: string;
}

/**
 * The kernel, fetched once. It has NVMe and ext4 built in, so it boots from a disk image without
 * an initramfs; all its controllers are free for cgroup v2, since nobody mounts v1.
 *
 * @throws {ClocheError} `COMMAND_FAILED`
 */
export function kernelFor(say: Say): Kernel {
  const at = `${CACHE}/kernel`;
  if (!existsSync(at)) fetchInto(at, say);
  const [release] = readdirSync(`${at}/lib/modules`);
  if (release === undefined)
    throw new ClocheError('VM_KERNEL_BROKEN', `no kernel in '${at}'`, { hint: `rm -r ${at}` });
  return {
    release,
    image: `${at}/boot/vmlinuz-${release}`,
    modules: `${at}/lib/modules/${release}`,
  };
}

function fetchInto(at: string, say: Say) {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(`${CACHE}/fetch-`);
  try {
    const name = packageName();
    say(`fetching ${name} (once)`);
    run(['sh', '-c', 'cd "$1" && apt-get download -qq "$2"', 'sh', work, name]);
    const [deb] = readdirSync(work);
    run(['dpkg-deb', '-x', `${work}/${deb}`, `${work}/root`]);
    // Somebody else may have been faster; theirs is as good.
    if (!existsSync(at)) renameSync(`${work}/root`, at);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** `linux-image-cloud-amd64` is empty and depends on the kernel of the day. */
function packageName(): string {
  const find = () =>
    /Depends: (linux-image-\S+)/.exec(
      run(['apt-cache', 'depends', 'linux-image-cloud-amd64']),
    )?.[1];
  const known = find();
  if (known !== undefined) return known;
  run(['apt-get', 'update', '-qq']);
  const name = find();
  if (name !== undefined) return name;
  throw new ClocheError('VM_UNSUPPORTED', "apt has no 'linux-image-cloud-amd64'", {
    class: 'unavailable',
    hint: 'The virtual machine needs the packages of a Debian.',
  });
}
