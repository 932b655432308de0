/** Whoever takes part: all take turns, so that a noisy machine is noisy for all. */
export interface Contestant {
  readonly name: string;
  /** What it needs for each run, not timed. */
  readonly before?: () => Promise<void>;
  readonly run: () => Promise<void>;
}

export interface Row {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export async function command(...argv: string[]): Promise<void> {
  // As it is by now: without it Bun gives what it was itself started with.
  const child = Bun.spawn(argv, { stdio: ['ignore', 'ignore', 'pipe'], env: process.env });
  if ((await child.exited) !== 0)
    throw new Error(`${argv.join(' ')}: ${await new Response(child.stderr).text()}`);
}

export async function answers(...argv: string[]): Promise<boolean> {
  return (await Bun.spawn(argv, { stdio: ['ignore', 'ignore', 'ignore'] }).exited) === 0;
}

/** Everybody once, to warm up; who cannot do it on this machine is said and left out. */
export async function fit(contestants: readonly Contestant[]): Promise<Contestant[]> {
  const able: Contestant[] = [];
  for (const contestant of contestants) {
    try {
      await contestant.before?.();
      await contestant.run();
      able.push(contestant);
    } catch (error) {
      say(`${contestant.name} cannot run here: ${(error as Error).message.trim()}`);
    }
  }
  return able;
}

/** Round by round, so that they take turns. */
export async function compete(contestants: readonly Contestant[], rounds: number): Promise<Row[]> {
  const times = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++)
    for (const { name, before, run } of contestants) {
      await before?.();
      const start = performance.now();
      await run();
      times.get(name)?.push(performance.now() - start);
    }
  return [...times].map(([name, all]) => {
    const sorted = all.toSorted((one, other) => one - other);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { name, median: at(0.5), least: at(0), most: at(1) };
  });
}

/** A table; ratios to the first of `references` that took part. */
export function report(
  rows: readonly Row[],
  rounds: number,
  references: readonly string[],
): string {
  const reference = references.flatMap((name) => rows.find((row) => row.name === name) ?? [])[0];
  const head = `${rounds} rounds, interleaved; milliseconds from start to exit\n\n`;
  const lines = rows.map(({ name, median, least, most }) => {
    const ratio =
      reference === undefined
        ? ''
        : `   ${(median / reference.median).toFixed(2)} × ${reference.name.split(' ')[0]}`;
    return `${name.padEnd(28)} ${median.toFixed(1).padStart(7)}   (${least.toFixed(1)} … ${most.toFixed(1)})${ratio}`;
  });
  return `${head}${lines.join('\n')}\n`;
}

export function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
