import { HEADER, TIME_SIZE } from './plan/format.ts';
import type { Block, EncodedPlan, Value } from './plan/index.ts';

/** What the walker has written into a plan: results, buffers, the first failure, times. */
export interface PlanMemory {
  /** What a saved result is. */
  value(place: Value): bigint;
  /** A block's bytes. */
  read(block: Block): Uint8Array;
  /** The first step that failed, in whichever process of the plan, if one has. */
  failure(): { readonly step: number; readonly errno: number } | undefined;
  /** Microseconds that each step took; undefined for those that were not reached or never returned. */
  times(): (number | undefined)[];
}

/** Reads an encoded plan's memory through `readAt(offset, size)`: live, or from a copy. */
export function planMemory(
  encoded: EncodedPlan,
  readAt: (offset: number, size: number) => Uint8Array,
): PlanMemory {
  const viewAt = (offset: number, size: number) => {
    const bytes = readAt(offset, size);
    return new DataView(bytes.buffer, bytes.byteOffset, size);
  };
  const offsetOf = (block: Block) => {
    const offset = encoded.offsetOf.get(block);
    if (offset === undefined)
      throw new RangeError(`no step of '${encoded.name}' uses ${block.name}`);
    return offset;
  };
  return {
    value: ({ block, offset, width }) => {
      const at = offsetOf(block) + offset;
      return width === 'i32'
        ? BigInt(viewAt(at, 4).getInt32(0, true))
        : viewAt(at, 8).getBigInt64(0, true);
    },
    read: (block) => readAt(offsetOf(block), block.size),
    failure: () => {
      const word = viewAt(HEADER.failure, 8).getBigUint64(0, true);
      if (word === 0xffff_ffff_ffff_ffffn) return undefined;
      return { step: Number(word & 0xffff_ffffn), errno: Number(word >> 32n) };
    },
    times: () => {
      if (encoded.timesAt === undefined) return [];
      const view = viewAt(encoded.timesAt, encoded.count * TIME_SIZE);
      return Array.from({ length: encoded.count }, (_, i) => duration(view, i * TIME_SIZE));
    },
  };
}

function duration(view: DataView, at: number): number | undefined {
  const nanoseconds = (place: number) =>
    view.getBigUint64(place, true) * 1_000_000_000n + view.getBigUint64(place + 8, true);
  const [begin, end] = [nanoseconds(at), nanoseconds(at + 16)];
  return begin === 0n || end === 0n ? undefined : Number(end - begin) / 1000;
}
