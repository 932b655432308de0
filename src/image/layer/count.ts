export interface CountOptions {
  /** Called with the bytes that have come so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A body of which is known how much has come. */
export interface Counted {
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets go of the body, also if it was not read to its end. */
  close(): Promise<void>;
}

/** Counts a body's bytes while they are read. They end with the signal's reason when it is aborted. */
export function count(
  body: AsyncIterable<Uint8Array>,
  { onProgress, signal }: CountOptions,
): Counted {
  let size = 0;
  const counting = (async function* () {
    for await (const chunk of body) {
      signal?.throwIfAborted();
      size += chunk.length;
      onProgress?.(size);
      yield chunk;
    }
  })();
  return {
    get size() {
      return size;
    },
    body: counting,
    close: async () => {
      await counting.return(undefined);
    },
  };
}
