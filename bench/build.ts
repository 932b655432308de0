import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshBaseRoot } from '../test/base.ts';
import { type Builder, buildersOf } from './builders.ts';
import { type Contestant, compete, fit, type Row, report, say } from './compete.ts';
import { Contexts } from './contexts.ts';
import { exponent, fixedOf, type Point } from './growth.ts';

const HELP = `npm run bench build: how long a build takes, beside docker with BuildKit and buildah, whichever
are there. All take turns within one run, each with contexts that nobody has seen before: a build
of two stages, cold and then cached, and a COPY of ever more files, cold and then cached.

  -n RUNS        how many rounds (3)
  --files MOST   how many files at most (100000)
  --json         for programs

docker is asked through DOCKER_HOST. A daemon for this alone, in a directory that goes away with it:

  d=$(mktemp -d)
  dockerd --data-root $d/data --exec-root $d/exec --pidfile $d/pid -H unix://$d/socket \\
    --bridge=none --iptables=false --ip-forward=false --cgroup-parent /cloche-bench &
  DOCKER_HOST=unix://$d/socket npm run bench build
  kill $(cat $d/pid); wait; umount $d/data; rm -r $d
  find /sys/fs/cgroup -depth -path '*/cloche-bench*' -type d -exec rmdir {} +
`;

const COUNTS = [1, 100, 1000, 10_000, 100_000];

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(HELP);
    return;
  }
  const rounds = Number(args[args.indexOf('-n') + 1]) || 3;
  const most = args.includes('--files') ? Number(args[args.indexOf('--files') + 1]) : Infinity;
  const base = await freshBaseRoot();
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-bench-'));
  const builders = await buildersOf(scratch);
  try {
    const contexts = new Contexts(scratch);
    const stages = await turns(builders, contexts, rounds, () => contexts.twoStages());
    const growth: Measured[] = [];
    for (const files of COUNTS.filter((count) => count <= most)) {
      say(`${files} files`);
      growth.push({
        files,
        ...(await turns(builders, contexts, rounds, () => contexts.files(files))),
      });
    }
    process.stdout.write(
      args.includes('--json')
        ? `${JSON.stringify({ stages, growth }, null, 2)}\n`
        : shown(stages, growth, rounds),
    );
  } finally {
    for (const builder of builders) await builder.remove?.();
    rmSync(scratch, { recursive: true, force: true });
    base.remove();
  }
}

interface Turns {
  readonly cold: readonly Row[];
  /** The same builds once more. */
  readonly cached: readonly Row[];
}

type Measured = Turns & { readonly files: number };

/** Each builder builds a context of its own, and then the same again. */
async function turns(
  builders: readonly Builder[],
  contexts: Contexts,
  rounds: number,
  fresh: () => Promise<string>,
): Promise<Turns> {
  const pairs = builders.map(({ name, build }) => {
    let context = '';
    const cold: Contestant = {
      name,
      before: async () => {
        contexts.remove(context);
        context = await fresh();
      },
      run: () => build(context),
    };
    return { cold, cached: { name: `${name} cached`, run: () => build(context) } };
  });
  const able = await fit(pairs.map(({ cold }) => cold));
  const both = pairs
    .filter(({ cold }) => able.includes(cold))
    .flatMap(({ cold, cached }) => [cold, cached]);
  const rows = await compete(both, rounds);
  const isCached = ({ name }: Row) => name.endsWith(' cached');
  return { cold: rows.filter((row) => !isCached(row)), cached: rows.filter(isCached) };
}

const REFERENCES = ['docker', 'docker cached', 'buildah', 'buildah cached'];

function shown({ cold, cached }: Turns, growth: readonly Measured[], rounds: number): string {
  return [
    `two stages, cold: ${report(cold, rounds, REFERENCES)}`,
    `two stages, all of it cached: ${report(cached, rounds, REFERENCES)}`,
    ...growth.map(
      (one) =>
        `COPY of ${one.files} files, cold: ${report(one.cold, rounds, REFERENCES)}\n` +
        `COPY of ${one.files} files, cached: ${report(one.cached, rounds, REFERENCES)}`,
    ),
    grown('cold', growth, ({ cold }) => cold),
    grown('cached', growth, (one) => one.cached),
  ].join('\n');
}

/** A line for each builder: what a file costs, and how that grows. */
function grown(
  title: string,
  growth: readonly Measured[],
  rowsOf: (one: Measured) => readonly Row[],
): string {
  const names = rowsOf(growth[0] ?? { files: 0, cold: [], cached: [] }).map(({ name }) => name);
  const lines = names.map((name) => {
    const points: Point[] = growth.flatMap((one) =>
      rowsOf(one).flatMap((row) =>
        row.name === name ? { files: one.files, time: row.least } : [],
      ),
    );
    const last = points.at(-1);
    const each = last === undefined ? 0 : ((last.time - fixedOf(points)) * 1000) / last.files;
    const power = exponent(points)?.toFixed(2);
    return `${name.padEnd(28)} ${each.toFixed(0).padStart(7)} µs a file${power === undefined ? '' : `, files^${power}`}`;
  });
  return `growth, ${title}: least times, without what a build of ${growth[0]?.files} costs\n\n${lines.join('\n')}\n`;
}

await main(process.argv.slice(2));
process.exit();
