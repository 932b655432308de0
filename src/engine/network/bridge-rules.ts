import { readFileSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import {
  bridgeSteps,
  enableForwarding,
  enableLocalhost,
  mapSteps,
  type PublishedPort,
  parseIp,
  readForwardChain,
  removeBridgeSteps,
  removeCableSteps,
  republishSteps,
  skipDuplicateDetection,
} from '../../linux/netlink/index.ts';
import { perform } from '../../linux/perform.ts';
import { plan } from '../../linux/plan/index.ts';
import { BRIDGE, BRIDGE_NAME } from './bridge.ts';

/** Makes the bridge, with its address and NAT for IPv4. @throws {ClocheError} `FORWARDING_OFF`, `STEP_FAILED` */
export async function makeBridge(): Promise<void> {
  await writeBridge(4);
}

/**
 * Sees to it that the bridge's rules are there in which ports are published. They are not where no
 * port of that version of IP has been published yet, or where somebody has flushed all rules.
 *
 * @returns whether they had to be written: then the map is empty.
 * @throws {ClocheError} `FORWARDING_OFF`, `STEP_FAILED`
 */
export async function makePublishable(version: 4 | 6): Promise<boolean> {
  if (hasAddress(version) && (await hasMap(version))) return false;
  await writeBridge(version);
  return true;
}

/** Who deletes the bridge and makes it again has its address of IPv4 alone. */
function hasAddress(version: 4 | 6): boolean {
  if (version === 4) return true;
  const hex = Buffer.from(parseIp(BRIDGE[6].address).bytes).toString('hex');
  return readFileSync('/proc/net/if_inet6', 'utf8').includes(hex);
}

async function hasMap(version: 4 | 6): Promise<boolean> {
  try {
    await perform(plan('are the rules there?', mapSteps(BRIDGE_NAME, version)));
    return true;
  } catch (error) {
    if (error instanceof ClocheError && error.details.errno === 'ENOENT') return false;
    throw error;
  }
}

/** Whoever flushed the rules took the ports of those away that run: puts them back. */
export async function republish(ports: readonly PublishedPort[]): Promise<void> {
  await perform(plan('publish again', republishSteps(BRIDGE_NAME, ports)));
}

/** Of a container that is started again at once: the kernel takes its cable away some time after its end. */
export async function removeCable(hostEnd: string): Promise<void> {
  await perform(plan('no cable', removeCableSteps(hostEnd)));
}

/** Takes the bridge away, and its rules. */
export async function removeBridge(): Promise<void> {
  for (const version of [6, 4] as const) {
    const steps = removeBridgeSteps(BRIDGE[version], await readForwardChain(version));
    await perform(plan('no bridge', steps));
  }
}

async function writeBridge(version: 4 | 6): Promise<void> {
  enableForwarding(version);
  if (version === 6) skipDuplicateDetection(BRIDGE_NAME);
  await perform(plan('bridge', bridgeSteps(BRIDGE[version], await readForwardChain(version))));
  enableLocalhost(BRIDGE_NAME);
}
