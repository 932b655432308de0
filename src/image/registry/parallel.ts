/** Work of several hands that ends together. */
export interface Crew {
  /** Aborted by the user, or by the first fault of any hand, which is its reason. */
  readonly signal: AbortSignal;
  /** Waits for all of them, also after a fault. @throws the first fault */
  all(...hands: readonly Promise<unknown>[]): Promise<void>;
  /** Calls `action` for each item, at most `width` at a time, begun in their order. */
  each<T>(width: number, items: readonly T[], action: (item: T) => Promise<void>): Promise<void>;
}

/**
 * A crew in which nobody goes on when one has failed, and nobody is left behind at work: temporary
 * files are gone once it has ended.
 */
export function crew(signal: AbortSignal | undefined): Crew {
  const controller = new AbortController();
  const signals = signal === undefined ? [] : [signal];
  const joint = AbortSignal.any([controller.signal, ...signals]);
  const all = async (...hands: readonly Promise<unknown>[]) => {
    await Promise.all(hands.map((hand) => hand.catch((error) => controller.abort(error))));
    joint.throwIfAborted();
  };
  return {
    signal: joint,
    all,
    async each(width, items, action) {
      const queue = items.values();
      const worker = async () => {
        for (const item of queue) {
          joint.throwIfAborted();
          await action(item);
        }
      };
      await all(...Array.from({ length: width }, worker));
    },
  };
}
