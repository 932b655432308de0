import type { BaseOptions } from '../image/index.ts';

/** Shows how far a base image is: one line that changes at a terminal, plain lines elsewhere. */
export function baseProgress(): BaseOptions & { end(): void } {
  const { stderr } = process;
  let shown = false;
  return {
    onProgress: (progress) => {
      const line = String((progress as { text?: string }).text ?? JSON.stringify(progress));
      stderr.write(stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
      shown = true;
    },
    end: () => {
      if (shown && stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}
