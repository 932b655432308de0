/** A system call as a filter sees it. */
export interface Call {
  /** AUDIT_ARCH_* */
  readonly arch: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

/**
 * Runs a filter on a call and gives what it returns, SECCOMP_RET_*: what the kernel does with it, in
 * TypeScript. For tests, and for whoever wants to ask what a filter would say.
 *
 * @throws {Error} an instruction that seccomp does not have, or a jump out of the program.
 */
export function evaluate(program: Uint8Array, call: Call): number {
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.number >>> 0, true);
  data.setUint32(4, call.arch, true);
  for (const [i, arg] of call.args.entries())
    data.setBigUint64(16 + i * 8, BigInt.asUintN(64, arg), true);
  let a = 0;
  for (let at = 0; at < program.length; at += 8) {
    const [op, k] = [code.getUint16(at, true), code.getUint32(at + 4, true)];
    const skip = (taken: boolean) => {
      at += 8 * code.getUint8(at + (taken ? 2 : 3));
    };
    if (op === 0x20) a = data.getUint32(k, true);
    else if (op === 0x54) a = (a & k) >>> 0;
    else if (op === 0x05) at += 8 * k;
    else if (op === 0x15) skip(a === k);
    else if (op === 0x25) skip(a > k);
    else if (op === 0x35) skip(a >= k);
    else if (op === 0x06) return k;
    else throw new Error(`no such instruction in seccomp: ${op}`);
  }
  throw new Error('the program ends without an answer');
}
