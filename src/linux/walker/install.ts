import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { stateRoot } from '../../state.ts';
import { HOST_ARCH } from '../abi/arch.ts';
import { WALKER } from './prebuilt.ts';

let installed: { path: string; size: number; root: string } | undefined;

/**
 * The walker's path, mode 0555, and its size in bytes. Written once into the state directory under
 * a name made of its content, so that a new version never touches a file that is being executed
 * (ETXTBSY) and an old one is simply no longer asked for.
 *
 * @throws {ClocheError} `WALKER_NOT_INSTALLED`: the state directory cannot be written.
 */
export function installedWalker(): { path: string; size: number } {
  const root = stateRoot();
  if (installed?.root === root && existsSync(installed.path)) return installed;
  const hash = new Bun.CryptoHasher('sha256').update(WALKER).digest('hex').slice(0, 12);
  const family = `walker-${HOST_ARCH}-`;
  const path = join(root, family + hash);
  if (!existsSync(path)) install(root, family + hash, family, WALKER);
  installed = { path, size: WALKER.length, root };
  return installed;
}

function install(root: string, name: string, family: string, file: Uint8Array) {
  const temporary = join(root, `.${name}.${process.pid}`);
  try {
    mkdirSync(root, { recursive: true, mode: 0o711 });
    const fd = openSync(temporary, 'wx', 0o555);
    writeSync(fd, file);
    fsyncSync(fd);
    closeSync(fd);
    renameSync(temporary, join(root, name));
    for (const other of readdirSync(root))
      if (other.startsWith(family) && other !== name) rmSync(join(root, other), { force: true });
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new ClocheError('WALKER_NOT_INSTALLED', `cannot write the walker into '${root}'`, {
      class: 'permission-denied',
      hint: 'cloche needs root and a state directory that it can write; CLOCHE_ROOT names another one',
      cause,
    });
  }
}
