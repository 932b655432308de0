/** How long something took with so many files, in milliseconds. */
export interface Point {
  readonly files: number;
  readonly time: number;
}

/** A point counts as soon as files are so much of it: what is less is noise. */
const TELLING = 1.5;

/**
 * The exponent k of time ~ files^k: 1 where growth is linear. What the build costs with the fewest files is
 * subtracted; then it is the slope of a straight line through the logarithms, by least squares.
 * Undefined where fewer than two points have something to say.
 */
export function exponent(points: readonly Point[]): number | undefined {
  const fixed = fixedOf(points);
  const logs = points
    .filter(({ time }) => time > fixed * TELLING)
    .map(({ files, time }) => [Math.log(files), Math.log(time - fixed)] as const);
  if (logs.length < 2) return undefined;
  const mean = (of: (log: readonly [number, number]) => number) =>
    logs.reduce((sum, log) => sum + of(log), 0) / logs.length;
  const [x, y] = [mean(([n]) => n), mean(([, time]) => time)];
  const covariance = mean(([n, time]) => (n - x) * (time - y));
  return covariance / mean(([n]) => (n - x) ** 2);
}

/** What the build costs with the fewest files. */
export function fixedOf(points: readonly Point[]): number {
  return points.toSorted((one, other) => one.files - other.files)[0]?.time ?? 0;
}
