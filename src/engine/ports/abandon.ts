import { plan } from '../../linux/plan/index.ts';
import { BRIDGE_NAME } from '../bridge.ts';
import type { PortBinding } from './choose.ts';

/**
 * Sees to it that no port leads to a container that has ended. Its shim does so itself unless it was
 * killed; a port that is held belongs to another container by now.
 */
export async function abandonPorts(container: {
  readonly ports: readonly PortBinding[];
}): Promise<void> {
  const { ports } = container;
  if (ports.length === 0) return;
  const { abandonedSteps } = await import('../../linux/netlink/index.ts');
  const { perform } = await import('../../linux/perform.ts');
  await perform(plan('abandoned ports', abandonedSteps(BRIDGE_NAME, ports)));
}
