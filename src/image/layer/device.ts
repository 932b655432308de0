/** A device's number, as a tar archive has it. */
export interface Device {
  readonly major: number;
  readonly minor: number;
}

/** Linux' encoding of a device number, read: `st_rdev` of stat(2); see makedev(3). */
export function deviceOf(rdev: bigint): Device {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return { major: Number(major), minor: Number(minor & 0xffffffffn) };
}

/** The same for mknod(2), whose kernel takes twelve bits and twenty. */
export function makedev({ major, minor }: Device): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffn) << 8n) | (low & 0xffn) | ((low & 0xfff00n) << 12n);
}
