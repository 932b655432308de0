import { containerNetworkSteps, loopbackSteps, publication } from '../../linux/netlink/index.ts';
import type { NetworkSteps } from '../../runtime/index.ts';
import type { Attachment } from './attach.ts';
import { BRIDGE_NAME } from './bridge.ts';

/**
 * How a container comes to its network. The shim takes the ports when the cable is there, and gives
 * them back at the end. Undefined with the host's network, where there is nothing to do.
 */
export function cableSteps({ network, cable, ports }: Attachment): NetworkSteps | undefined {
  if (network === 'host') return undefined;
  if (cable === undefined) return { shim: () => [], init: loopbackSteps() };
  const steps = containerNetworkSteps(cable);
  if (ports.length === 0) return steps;
  const { publish, withdraw, apart } = publication(BRIDGE_NAME, ports);
  const shim: NetworkSteps['shim'] = (netns) => [...steps.shim(netns), ...publish];
  return { ...steps, shim, release: withdraw, apart };
}
