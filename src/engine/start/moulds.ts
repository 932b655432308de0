import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryPath } from '../../image/index.ts';
import { writeFileAtomically } from '../../image/state/atomic.ts';
import {
  type Block,
  buffer,
  cast,
  type EncodedPlan,
  type Mould,
  mouldOf,
  nameless,
  type Plan,
  result,
  type Value,
} from '../../linux/plan/index.ts';
import type { Engine } from '../engine.ts';
import type { Facts } from './facts.ts';

/** A container's plan as the walker takes it. */
export interface Ready {
  readonly encoded: EncodedPlan;
  /** Where its memory says init's pid, and how init has ended, as wait4(2) has it. */
  readonly pid: Value;
  readonly status: Block;
  readonly warnings: readonly string[];
  /** The plan itself, for whoever has to explain it. */
  plan(): Promise<Plan>;
}

/**
 * Makes a container's plan ready. Planning and encoding take a third of the time in which a container
 * starts, and most are twins of one that was started before: their facts differ in the id alone. Such
 * a plan is cast in the mould of the first (`linux/plan/mould.ts`); it is the same to the byte.
 *
 * Moulds lie in `cache/plans/`, by the digest of the facts without the id, and of the code. Where the
 * sources are run, which may be others the next time, each process has its own in memory.
 *
 * @param code what says which code makes the moulds; undefined: they are nobody else's.
 */
export async function readyPlan(engine: Engine, facts: Facts, code = ownCode()): Promise<Ready> {
  const key = keyOf(facts, code);
  const path = code === undefined ? undefined : join(folderOf(engine), key);
  const known = path === undefined ? remembered.get(key) : readMould(path);
  if (known !== undefined) return castFor(facts, known);
  const { encodedPlanOf } = await import('./planned.ts');
  const { encoded, plan, pair, warnings } = encodedPlanOf(facts);
  const ready = { encoded, pid: pair.pid, status: pair.status, warnings, plan: async () => plan };
  const mould = mouldFor(ready, facts.id);
  if (path === undefined) remember(key, mould);
  else writeMould(engine, path, mould);
  return ready;
}

/** So many moulds are kept; who has more shapes of containers than that begins anew. */
const MOST = 100;
const remembered = new Map<string, Heading & Mould>();

function remember(key: string, mould: Heading & Mould): void {
  if (remembered.size >= MOST) remembered.clear();
  remembered.set(key, mould);
}

/** What a mould's file says before the bytes. */
interface Heading extends Pick<Mould, 'places'> {
  readonly name: string;
  readonly count: number;
  /** By which a file that was damaged is known. */
  readonly sum: string;
  readonly pid: number;
  readonly status: number;
  readonly warnings: readonly string[];
}

/** Of the command that was built; undefined where the sources are run. */
function ownCode(): string | undefined {
  if (!Bun.main.startsWith('/$bunfs/')) return undefined;
  // Not by its path: another may have taken its place meanwhile.
  const { birthtimeNs, ino, size } = statSync('/proc/self/exe', { bigint: true });
  return [birthtimeNs, ino, size].join();
}

function keyOf(facts: Facts, code = ''): string {
  const { capabilities, lastCapability } = facts.machine;
  // Whoever sets no limits is not held to any.
  const ceiling = (facts.spec.process?.rlimits ?? []).length > 0 ? facts.machine.hardLimits : [];
  const machine = [capabilities, lastCapability, ...ceiling].join();
  const text = JSON.stringify({ ...facts, machine, warnings: [], code });
  return new Bun.CryptoHasher('sha256').update(nameless(text, facts.id)).digest('hex');
}

function folderOf({ store: { root } }: Engine): string {
  return join(root, 'cache/plans');
}

function readMould(path: string): (Heading & Mould) | undefined {
  try {
    const file = readFileSync(path);
    const end = file.indexOf('\n');
    const heading = JSON.parse(file.toString('utf8', 0, end)) as Heading;
    const bytes = file.subarray(end + 1);
    return sumOf(bytes) === heading.sum ? { ...heading, bytes } : undefined;
  } catch {
    return undefined;
  }
}

function sumOf(bytes: Uint8Array): string {
  return Bun.hash(bytes).toString(36);
}

function castFor(facts: Facts, mould: Heading & Mould): Ready {
  const { name, count, warnings } = mould;
  const [pid, status] = [result('init'), buffer('status', 8)];
  const offsetOf = new Map([
    [pid.block, mould.pid],
    [status, mould.status],
  ]);
  const bytes = cast(mould, facts.id);
  return {
    ...{ pid, status, warnings },
    encoded: { name, count, bytes, offsetOf, timesAt: undefined },
    plan: async () => (await import('./planned.ts')).planOf(facts).plan,
  };
}

function mouldFor({ encoded, pid, status, warnings }: Ready, id: string): Heading & Mould {
  const { name, count, offsetOf } = encoded;
  const { bytes, places } = mouldOf(encoded.bytes, id);
  return {
    ...{ name, count, places, warnings, sum: sumOf(bytes) },
    pid: offsetOf.get(pid.block) ?? 0,
    status: offsetOf.get(status) ?? 0,
    // The plan's own bytes may be changed before it is performed: where it pauses, say.
    bytes: bytes.slice(),
  };
}

function writeMould(engine: Engine, path: string, { bytes, ...heading }: Heading & Mould): void {
  const folder = folderOf(engine);
  const content = Buffer.concat([Buffer.from(`${JSON.stringify(heading)}\n`), bytes]);
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length >= MOST) rmSync(folder, { recursive: true });
    mkdirSync(folder, { recursive: true });
    writeFileAtomically(path, content, temporaryPath(engine.store), 0o600);
  } catch {
    // On a disk that is full, say: the next one is planned anew.
  }
}
