import type { BaseOptions } from '../image/index.ts';

/** Shows how far a base image is: one line that changes at a terminal, plain lines elsewhere. */
export function baseProgress(): BaseOptions & { end(): void } {
  const { stderr } = process;
  let shown = false;
  return {
    onProgress: (progress) => {
      const { text } = progress;
      stderr.write(
        stderr.isTTY ? `\r\x1b[K${text.slice(0, (stderr.columns ?? 80) - 1)}` : `${text}\n`,
      );
      shown = true;
    },
    end: () => {
      if (shown && stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}
