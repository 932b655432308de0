import { bytes, type Pointer } from '../../linux/plan/index.ts';
import { fromRaw, type RawPath } from './scan.ts';

/** A path as an argument of a system call: its very bytes, which need not be UTF-8, and a NUL. */
export function pathname(path: RawPath): Pointer {
  return bytes(fromRaw(`${path}\0`), JSON.stringify(path));
}
