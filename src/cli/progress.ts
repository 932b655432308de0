import type { ResolveOptions } from '../image/index.ts';
import { type TransferView, transferView } from './transfer.ts';

/**
 * Shows how an image comes: a pull as docker shows it; the making of a base image as one line that
 * changes at a terminal, plain lines elsewhere. Most images are there: `process.stderr`, which takes
 * as long to load as a container to start, is not touched until something is said.
 */
export function imageProgress(): ResolveOptions & { end(): void } {
  let view: TransferView | undefined;
  let shown = false;
  return {
    onTransfer: (event) => {
      view ??= transferView('auto', process.stderr);
      view.show(event);
    },
    onProgress: ({ text }) => {
      const { stderr } = process;
      stderr.write(
        stderr.isTTY ? `\r\x1b[K${text.slice(0, (stderr.columns ?? 80) - 1)}` : `${text}\n`,
      );
      shown = true;
    },
    end: () => {
      view?.end();
      if (shown && process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    },
  };
}
