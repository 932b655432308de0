import { fstatSync } from 'node:fs';
import { ClocheError } from '../../error.ts';

/**
 * The descriptors that `--preserve-fds` means: so many of ours, from 3 on.
 *
 * @throws {ClocheError} `FD_MISSING`: one of them is not open
 */
export function ownFds(count = 0): number[] {
  const fds = Array.from({ length: count }, (_, i) => 3 + i);
  const missing = fds.find((fd) => !isOpen(fd));
  if (missing === undefined) return fds;
  throw new ClocheError(
    'FD_MISSING',
    `please check that preserved-fd ${missing} (of ${count}) is present`,
    {
      class: 'invalid-argument',
      hint: `--preserve-fds ${count} passes on the descriptors 3 to ${2 + count}, which who calls must have open`,
    },
  );
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}
