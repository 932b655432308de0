import type { ResolveOptions } from '../image/index.ts';
import { transferView } from './transfer.ts';

/**
 * Shows how an image comes: a pull as docker shows it; the making of a base image as one line that
 * changes at a terminal, plain lines elsewhere.
 */
export function imageProgress(): ResolveOptions & { end(): void } {
  const { stderr } = process;
  const view = transferView('auto', stderr);
  let shown = false;
  return {
    onTransfer: view.show,
    onProgress: (progress) => {
      const { text } = progress;
      stderr.write(
        stderr.isTTY ? `\r\x1b[K${text.slice(0, (stderr.columns ?? 80) - 1)}` : `${text}\n`,
      );
      shown = true;
    },
    end: () => {
      view.end();
      if (shown && stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}
