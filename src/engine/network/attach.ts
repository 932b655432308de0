import { ClocheError } from '../../error.ts';
import { exclusively, isDead, type Owner } from '../../image/index.ts';
import { versionOf } from '../../linux/netlink/address.ts';
import type { ContainerNetwork, PublishedPort } from '../../linux/netlink/index.ts';
import { DEFAULT_ROOT } from '../../state.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import { allContainers } from '../life/records.ts';
import type { RunOptions } from '../options.ts';
import type { PortBinding } from '../ports/index.ts';
import { BRIDGE, BRIDGE_NAME, isBridgeThere, isLinkThere } from './bridge.ts';

const VERSIONS = [4, 6] as const;
/** How many addresses it has for containers: not the network's own, the bridge's and the broadcast. */
const ADDRESSES = 2 ** 16 - 3;
const FIRST = 2;

/** How a container is attached: what `cableSteps` makes steps of. */
export interface Attachment {
  readonly network: RunOptions['network'];
  /** Its cable to the bridge. */
  readonly cable?: ContainerNetwork;
  readonly ports: readonly PublishedPort[];
  /** Its address on the bridge. */
  readonly address?: string;
}

/** A container, or a RUN that is one for a while; its id may begin with its owner's name and a `+`. */
export interface Attached {
  readonly id: string;
  readonly options: RunOptions;
}

/**
 * Makes ready what the container is attached to, and says how. With the host's network there is
 * nothing to do, with none only its own loopback is switched on. On the bridge it has an address of
 * IPv4, and where a port is published on IPv6 one of that too.
 *
 * @throws {ClocheError} `FORWARDING_OFF`, `ADDRESSES_EXHAUSTED`, `STEP_FAILED`
 */
export async function attach(
  engine: Engine,
  { id, options: { network } }: Attached,
  ports: readonly PortBinding[] = [],
): Promise<Attachment> {
  if (network !== 'bridge') return { network, ports: [] };
  const published = VERSIONS.filter((one) => ports.some((port) => versionOf(port) === one));
  await makeReady(engine, published);
  const number = lease(engine, id);
  // Of a RUN's id it is the end that is its own.
  const hostEnd = `cl${id.split('+').at(-1)?.slice(0, 11)}`;
  if (isLinkThere(hostEnd)) await (await import('./bridge-rules.ts')).removeCable(hostEnd);
  const cable = {
    bridge: BRIDGE_NAME,
    hostEnd,
    addresses: VERSIONS.filter((one) => one === 4 || published.includes(one)).map((version) => ({
      address: spelled(number, version),
      prefix: BRIDGE[version].prefix,
      gateway: BRIDGE[version].address,
    })),
    hairpin: ports.length > 0,
  };
  return { network, cable, ports: leadingTo(number, ports), address: spelled(number) };
}

/** What writes the rules is loaded when they have to be written, or looked at. */
async function makeReady(engine: Engine, published: readonly (4 | 6)[]): Promise<void> {
  if (isBridgeThere() && published.length === 0) return;
  const { makeBridge, makePublishable, republish } = await import('./bridge-rules.ts');
  if (!isBridgeThere()) await makeBridge();
  for (const version of published)
    if (await makePublishable(version)) await republish(portsInUse(engine, version));
}

/** The ports of what runs, of which a new map knows nothing. */
function portsInUse(engine: Engine, version: 4 | 6): PublishedPort[] {
  return allContainers(engine)
    .filter(isAlive)
    .flatMap(({ id, ports }) => leadingTo(numberOf(engine, id) ?? 0, ports))
    .filter((port) => versionOf(port) === version);
}

function leadingTo(number: number, ports: readonly PortBinding[]): PublishedPort[] {
  return ports.map((port) => ({ ...port, ip: spelled(number, versionOf(port)) }));
}

/** The address on the bridge that a container has, or had when it last ran; undefined for none. */
export function addressOf(engine: Engine, id: string): string | undefined {
  const number = numberOf(engine, id);
  return number === undefined ? undefined : spelled(number);
}

function numberOf({ store: { db } }: Engine, id: string): number | undefined {
  return db.query<{ number: number }, [string]>('SELECT number FROM addresses WHERE id = ?').get(id)
    ?.number;
}

/** The number of an address that no living container has; the same one again for a container that had one. */
function lease(engine: Engine, id: string): number {
  const { db } = engine.store;
  return exclusively(db, () => {
    const known = numberOf(engine, id);
    if (known !== undefined) return known;
    releaseDead(engine);
    const taken = new Set(
      db
        .query<{ number: number }, []>('SELECT number FROM addresses')
        .all()
        .map((row) => row.number),
    );
    const start = startOf(engine);
    for (let i = 0; i < ADDRESSES; i++) {
      const number = FIRST + ((start + i) % ADDRESSES);
      if (taken.has(number)) continue;
      db.query('INSERT INTO addresses (number, id) VALUES (?, ?)').run(number, id);
      return number;
    }
    throw new ClocheError('ADDRESSES_EXHAUSTED', `no free address on ${BRIDGE_NAME}`, {
      class: 'unavailable',
      hint: 'remove containers that you do not need: cloche rm',
    });
  });
}

/**
 * Where to begin. Other state directories on this machine know nothing of ours and give out the same
 * addresses, so each but the usual one begins elsewhere.
 */
function startOf({ store: { root } }: Engine): number {
  return root === DEFAULT_ROOT ? 0 : Number(Bun.hash(root) % BigInt(ADDRESSES));
}

/** Addresses go with the container's record, or with the process that a RUN belonged to. */
function releaseDead({ store: { db } }: Engine): void {
  const rows = db
    .query<{ id: string }, []>(
      "SELECT id FROM addresses WHERE id NOT IN (SELECT id FROM containers WHERE status <> 'exited')",
    )
    .all();
  for (const { id } of rows) {
    const [owner, mark] = id.split('+');
    if (mark === undefined || isDead(owner as Owner))
      db.query('DELETE FROM addresses WHERE id = ?').run(id);
  }
}

/** The n-th address of 10.88.0.0/16, and of the bridge's network of IPv6. */
function spelled(number: number, version: 4 | 6 = 4): string {
  return version === 4
    ? `10.88.${number >> 8}.${number & 0xff}`
    : BRIDGE[6].address.replace(/1$/, number.toString(16));
}
