import type { Value } from '../plan/index.ts';

/**
 * Netlink messages as bytes. Source: netlink(7), `linux/netlink.h`.
 *
 * A message is a header of 16 bytes, a struct of its family, and attributes: length (u16), type
 * (u16), content, each padded to four bytes. Attributes nest. Integers are little-endian, which is
 * this machine's order; nfnetlink wants big-endian inside of its attributes, so there is `be32`.
 *
 * A number may not be known before the plan runs: the index of a device that the step before has
 * made, an fd. Where one stands there is a *hole*, and `requestSteps` fills it from plan memory.
 */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly holes: readonly Hole[];
}

export interface Hole {
  /** Bytes from the beginning of the chunk to the 32-bit integer. */
  readonly at: number;
  readonly from: Value;
}

/** A number known now, or one that lies in plan memory when the message is sent. */
export type Known = number | Value;

export const HEADER_SIZE = 16;

/** Flags of a message. NEW requests: create if absent, fail if there, at the end of a list. */
export const NLM = {
  REQUEST: 0x1,
  ACK: 0x4,
  DUMP: 0x300,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
} as const;

const NLA_F_NESTED = 0x8000;

export interface Head {
  /** `RTM_NEWLINK` and the like. */
  readonly type: number;
  readonly flags: number;
  /** Comes back in the answer. */
  readonly sequence?: number;
}

/** A whole message: header and content. */
export function message({ type, flags, sequence = 1 }: Head, ...content: readonly Chunk[]): Chunk {
  const body = join(content);
  return join([
    u32(HEADER_SIZE + body.bytes.length),
    u16(type),
    u16(flags | NLM.REQUEST),
    u32(sequence),
    u32(0),
    body,
  ]);
}

/** One attribute. */
export function attribute(type: number, ...content: readonly Chunk[]): Chunk {
  const body = join(content);
  const length = 4 + body.bytes.length;
  return join([u16(length), u16(type), body, raw(new Uint8Array(paddingOf(length)))]);
}

/** An attribute that holds attributes. */
export function nested(type: number, ...content: readonly Chunk[]): Chunk {
  return attribute(type | NLA_F_NESTED, ...content);
}

/** One chunk behind the other. */
export function join(chunks: readonly Chunk[]): Chunk {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0));
  const holes: Hole[] = [];
  let end = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.bytes, end);
    for (const hole of chunk.holes) holes.push({ ...hole, at: hole.at + end });
    end += chunk.bytes.length;
  }
  return { bytes, holes };
}

export function raw(bytes: Uint8Array): Chunk {
  return { bytes, holes: [] };
}

export function u8(...numbers: readonly number[]): Chunk {
  return raw(Uint8Array.from(numbers));
}

export function u16(number: number): Chunk {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, number, true);
  return raw(bytes);
}

/** A 32-bit integer in this machine's order, or a hole for one. */
export function u32(number: Known): Chunk {
  const bytes = new Uint8Array(4);
  if (typeof number !== 'number') return { bytes, holes: [{ at: 0, from: number }] };
  new DataView(bytes.buffer).setUint32(0, number >>> 0, true);
  return raw(bytes);
}

/** A 32-bit integer in network order. */
export function be32(number: number): Chunk {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number >>> 0, false);
  return raw(bytes);
}

/** A text with its NUL. */
export function cstring(content: string): Chunk {
  return raw(new TextEncoder().encode(`${content}\0`));
}

/** A message that was received, or an attribute in one. */
export interface Received {
  readonly type: number;
  /** What follows the header, without padding. */
  readonly content: Uint8Array;
}

/** The messages in what recvfrom(2) has filled; what does not fit is left out. */
export function messagesIn(bytes: Uint8Array): Received[] {
  return walk(bytes, HEADER_SIZE, (view, at) => ({
    length: view.getUint32(at, true),
    type: view.getUint16(at + 4, true),
  }));
}

/** Attributes by their type, without the bit that says they nest. Of equal ones the last. */
export function attributesIn(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(attributeListIn(bytes).map(({ type, content }) => [type, content]));
}

/** Attributes in their order. */
export function attributeListIn(bytes: Uint8Array): Received[] {
  return walk(bytes, 4, (view, at) => ({
    length: view.getUint16(at, true),
    type: view.getUint16(at + 2, true) & 0x3fff,
  }));
}

function walk(
  bytes: Uint8Array,
  header: number,
  headAt: (view: DataView, at: number) => { length: number; type: number },
): Received[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Received[] = [];
  for (let at = 0; at + header <= bytes.length; ) {
    const { length, type } = headAt(view, at);
    if (length < header || at + length > bytes.length) break;
    found.push({ type, content: bytes.subarray(at + header, at + length) });
    at += length + paddingOf(length);
  }
  return found;
}

function paddingOf(length: number): number {
  return (4 - (length % 4)) % 4;
}
