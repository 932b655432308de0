import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../src/engine/engine.ts';
import {
  createContainer,
  DEFAULT_OPTIONS,
  openEngine,
  type RunOptions,
} from '../src/engine/index.ts';
import { type Facts, factsOf } from '../src/engine/start/facts.ts';
import { readyPlan } from '../src/engine/start/moulds.ts';
import { planOf } from '../src/engine/start/planned.ts';
import { HOST_ARCH } from '../src/linux/abi/arch.ts';
import { encode } from '../src/linux/plan/encode.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

let engine: Engine;
let remove = () => {};
let folder = '';

beforeAll(async () => {
  const base = await freshBaseRoot();
  remove = base.remove;
  engine = openEngine();
  folder = join(base.root, 'cache/plans');
}, BASE_TIMEOUT);
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => remove());

const moulds = () => readdirSync(folder);

async function factsFor(options: Partial<RunOptions> = {}): Promise<Facts> {
  const whole = { ...DEFAULT_OPTIONS, image: 'debian:bookworm', command: ['true'], ...options };
  return factsOf(engine, await createContainer(engine, whole), { height: 24, width: 80 });
}

/** The same container under another id and name. */
function twinOf(facts: Facts): Facts {
  const other = new Bun.CryptoHasher('sha256').update(facts.id).digest('hex');
  const { machine, ...rest } = facts;
  let text = JSON.stringify(rest);
  for (const length of [64, 16, 12, 11])
    text = text.replaceAll(facts.id.slice(0, length), other.slice(0, length));
  const renamed = JSON.parse(text);
  return { ...facts, ...renamed };
}

const SHAPES: Record<string, Partial<RunOptions>> = {
  'the usual one': {},
  'without a network': { network: 'none', remove: true },
  "with the host's network": { network: 'host' },
  'detached, with a log': { detach: true },
  'with a terminal': { tty: true, interactive: true },
  privileged: { privileged: true },
  'with limits': { memory: 80_000_000, cpus: 0.5, pidsLimit: 10, cpuset: { cpus: '0' } },
  'with a volume, a directory and memory': { volumes: ['a:/a', '/tmp:/b:ro'], tmpfs: ['/run'] },
  'with ports': {
    publish: [{ protocol: 'tcp', port: 80, hostPorts: [58_080, 58_080], hostIp: undefined }],
  },
  'with an init of ours, and namespaces of the host': {
    init: true,
    pidMode: 'host',
    ipcMode: 'host',
  },
  'read-only, another user and group': { readOnly: true, user: 'nobody', groupAdd: ['5'] },
  'with a kernel parameter and limits': {
    sysctls: { 'net.core.somaxconn': '100' },
    ulimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }],
    noNewPrivileges: true,
  },
};

for (const [name, options] of Object.entries(SHAPES))
  test(`cast is what would have been planned, to the byte: ${name}`, async () => {
    const facts = await factsFor(options);
    const first = await readyPlan(engine, facts, 'code');
    expect(moulds()).toHaveLength(1);
    const twin = twinOf(facts);
    const ready = await readyPlan(engine, twin, 'code');
    const { plan, pair, warnings } = planOf(twin);
    const anew = encode(plan, HOST_ARCH);
    expect(Buffer.compare(ready.encoded.bytes, anew.bytes)).toBe(0);
    expect(Buffer.compare(ready.encoded.bytes, first.encoded.bytes)).not.toBe(0);
    expect(Buffer.from(ready.encoded.bytes).includes(facts.id.slice(0, 11))).toBe(false);
    expect(ready.encoded.offsetOf.get(ready.pid.block)).toBe(anew.offsetOf.get(pair.pid.block));
    expect(ready.encoded.offsetOf.get(ready.status)).toBe(anew.offsetOf.get(pair.status));
    expect(ready.warnings).toEqual(warnings);
    expect((await ready.plan()).steps.length).toBe(ready.encoded.count);
    expect(moulds()).toHaveLength(1);
  });

test('whoever differs in more than the id has a mould of his own', async () => {
  const facts = await factsFor();
  const seen = new Set<string>();
  const others: Facts[] = [
    facts,
    { ...facts, bound: false },
    { ...facts, unfiltered: true },
    { ...facts, walkerSize: facts.walkerSize + 1 },
    {
      ...facts,
      machine: { ...facts.machine, capabilities: 1n, lastCapability: 40, hardLimits: [] },
    },
    { ...facts, hierarchies: { ...facts.hierarchies, all: facts.hierarchies.all.slice(1) } },
    { ...facts, kinds: { ...facts.kinds, '/tmp': 'file' } },
    { ...facts, attachment: { ...facts.attachment, address: '10.88.3.3' } },
    { ...facts, spec: { ...facts.spec, hostname: `${facts.id.slice(0, 11)}x` } },
    { ...facts, io: { kind: 'terminal' } },
  ];
  for (const [i, other] of others.entries()) {
    await readyPlan(engine, other, 'code');
    for (const name of moulds()) seen.add(name);
    expect(seen.size).toBe(i + 1);
  }
  await readyPlan(engine, facts, 'other code');
  expect(moulds()).toHaveLength(others.length + 1);
});

test('a mould that is damaged is none, and where the sources are run no file is made', async () => {
  const facts = await factsFor();
  const own = await readyPlan(engine, facts);
  const twin = await readyPlan(engine, facts);
  expect(Buffer.compare(twin.encoded.bytes, own.encoded.bytes)).toBe(0);
  expect(() => moulds()).toThrow('ENOENT');
  const { encoded } = await readyPlan(engine, facts, 'code');
  const path = join(folder, moulds()[0] ?? '');
  const content = readFileSync(path);
  const flipped = Buffer.from(content);
  flipped[content.length - 5000] = (flipped[content.length - 5000] ?? 0) ^ 1;
  for (const damaged of ['', 'x', content.subarray(0, 100), content.subarray(0, -1), flipped]) {
    writeFileSync(path, damaged);
    const again = await readyPlan(engine, facts, 'code');
    expect(Buffer.compare(again.encoded.bytes, encoded.bytes)).toBe(0);
    expect(readFileSync(path)).toEqual(content);
  }
});

test('so many moulds are kept, and no more', async () => {
  const facts = await factsFor();
  for (let i = 0; i < 103; i++) await readyPlan(engine, facts, `code ${i}`);
  expect(moulds().length).toBeLessThanOrEqual(100);
});
