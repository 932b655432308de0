import type { ResolveOptions } from '../image/index.ts';
import { isTerminal, print, standard } from './print.ts';
import { type TransferView, transferView } from './transfer.ts';

/**
 * Shows how an image comes: a pull as docker shows it; the making of a base image as one line that
 * changes at a terminal, plain lines elsewhere. That it is not the registry's stays to be read.
 */
export function imageProgress(): ResolveOptions & { end(): void } {
  let view: TransferView | undefined;
  let shown = false;
  let remark = '';
  return {
    onTransfer: (event) => {
      view ??= transferView('auto', 2);
      view.show(event);
    },
    onProgress: ({ phase, text }) => {
      // One base may stand on others that are made first: the last one is what was asked for.
      if (phase === 'done') remark = `${text}\n`;
      const columns = isTerminal(2) ? (standard(2).columns ?? 80) : undefined;
      print(columns === undefined ? `${text}\n` : `\r\x1b[K${text.slice(0, columns - 1)}`, 2);
      shown = true;
    },
    end: () => {
      view?.end();
      if (shown && isTerminal(2)) print(`\r\x1b[K${remark}`, 2);
    },
  };
}
