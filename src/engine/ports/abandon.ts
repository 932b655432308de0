import { plan } from '../../linux/plan/index.ts';
import { soon } from '../../linux/soon.ts';
import { shimsAlive } from '../life/processes.ts';
import { BRIDGE_NAME } from '../network/bridge.ts';
import type { PortBinding } from './choose.ts';

interface Abandoned {
  readonly id: string;
  readonly ports: readonly PortBinding[];
}

/**
 * Sees to it that no port leads to a container that has ended. Its shim does so itself unless it was
 * killed; a port that is held belongs to another container by now.
 */
export async function abandonPorts({ id, ports }: Abandoned): Promise<void> {
  if (ports.length === 0) return;
  // Who serves ::1 has the ports, too, and dies a moment after a shim that was killed.
  await soon(2000, () => !shimsAlive().has(id.slice(0, 12)));
  const { abandonedSteps } = await import('../../linux/netlink/index.ts');
  const { perform } = await import('../../linux/perform.ts');
  await perform(plan('abandoned ports', abandonedSteps(BRIDGE_NAME, ports)));
}
