import { existsSync, readFileSync } from 'node:fs';
import { ClocheError } from '../error.ts';
import { exclusively, isDead, type Owner } from '../image/index.ts';
import {
  bridgeSteps,
  containerNetworkSteps,
  enableForwarding,
  loopbackSteps,
  readForwardChain,
} from '../linux/netlink/index.ts';
import { perform } from '../linux/perform.ts';
import { plan } from '../linux/plan/index.ts';
import type { NetworkSteps } from '../runtime/index.ts';
import type { Engine } from './engine.ts';
import type { RunOptions } from './options.ts';

/** The network of containers that ask for none: a bridge with NAT behind the host's address. */
export const BRIDGE = { name: 'cloche0', address: '10.88.0.1', prefix: 16 };
/** How many addresses it has, without the network's own, the bridge's and the broadcast. */
const ADDRESSES = 2 ** 16 - 3;

/** How a container is attached: the steps, and its address on the bridge. */
export interface Attachment {
  readonly steps: NetworkSteps | undefined;
  readonly address: string | undefined;
}

/** A container, or a RUN that is one for a while; its id may begin with its owner's name and a `+`. */
export interface Attached {
  readonly id: string;
  readonly options: RunOptions;
}

/**
 * Makes ready what the container is attached to, and says how. With the host's network there is
 * nothing to do, with none only its own loopback is switched on.
 *
 * @throws {ClocheError} `FORWARDING_OFF`, `ADDRESSES_EXHAUSTED`, `STEP_FAILED`
 */
export async function attach(engine: Engine, attached: Attached): Promise<Attachment> {
  const { network } = attached.options;
  if (network === 'host') return { steps: undefined, address: undefined };
  if (network === 'none')
    return { steps: { shim: () => [], init: loopbackSteps() }, address: undefined };
  const bridgeIndex = await makeBridge();
  const address = lease(engine, attached.id);
  const steps = containerNetworkSteps({
    bridgeIndex,
    hostEnd: `cl${Bun.hash(attached.id).toString(36).slice(0, 11)}`,
    addresses: [{ address, prefix: BRIDGE.prefix, gateway: BRIDGE.address }],
  });
  return { steps, address };
}

/** The bridge is made when it is first needed, and stays, as docker's does. @returns its index */
async function makeBridge(): Promise<number> {
  const index = `/sys/class/net/${BRIDGE.name}/ifindex`;
  if (!existsSync(index)) {
    enableForwarding();
    await perform(plan('bridge', bridgeSteps(BRIDGE, await readForwardChain())));
  }
  return Number(readFileSync(index, 'utf8'));
}

/** The address on the bridge that a container has, or had when it last ran; undefined for none. */
export function addressOf({ store: { db } }: Engine, id: string): string | undefined {
  const row = db
    .query<{ number: number }, [string]>('SELECT number FROM addresses WHERE id = ?')
    .get(id);
  return row === null ? undefined : spelled(row.number);
}

/** An address that no living container has; the same one again for a container that had one. */
function lease(engine: Engine, id: string): string {
  const { db } = engine.store;
  return exclusively(db, () => {
    const own = db.query<{ number: number }, [string]>('SELECT number FROM addresses WHERE id = ?');
    const known = own.get(id)?.number;
    if (known !== undefined) return spelled(known);
    releaseDead(engine);
    const taken = new Set(
      db
        .query<{ number: number }, []>('SELECT number FROM addresses')
        .all()
        .map((row) => row.number),
    );
    for (let number = 2; number <= ADDRESSES; number++) {
      if (taken.has(number)) continue;
      db.query('INSERT INTO addresses (number, id) VALUES (?, ?)').run(number, id);
      return spelled(number);
    }
    throw new ClocheError('ADDRESSES_EXHAUSTED', `no free address on ${BRIDGE.name}`, {
      class: 'unavailable',
      hint: 'remove containers that you do not need: cloche rm',
    });
  });
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

/** The n-th address of 10.88.0.0/16. */
function spelled(number: number): string {
  return `10.88.${number >> 8}.${number & 0xff}`;
}
