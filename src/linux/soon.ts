/** Asks again, at first every millisecond, until it is so or `milliseconds` have passed. */
export async function soon(milliseconds: number, isSo: () => boolean): Promise<boolean> {
  const end = Date.now() + milliseconds;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    if (isSo()) return true;
    if (Date.now() > end) return false;
    await Bun.sleep(pause);
  }
}
