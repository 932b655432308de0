import type { PortBinding } from './choose.ts';

/** `0.0.0.0:8080`, `[::]:8080` */
export function hostSide({ hostIp, hostPort }: PortBinding): string {
  return hostIp.includes(':') ? `[${hostIp}]:${hostPort}` : `${hostIp}:${hostPort}`;
}

/** `80/tcp` */
export function containerSide({ port, protocol }: Pick<PortBinding, 'port' | 'protocol'>): string {
  return `${port}/${protocol}`;
}

/**
 * As `ps` shows them: `0.0.0.0:8080-8081->80-81/tcp, [::]:53->53/udp, 9000/tcp`. Neighbours become a
 * range; what is exposed and not published stands alone.
 */
export function portsColumn(bindings: readonly PortBinding[], exposed: readonly string[]): string {
  const published = new Set(bindings.map(containerSide));
  const runs: Run[] = [];
  for (const binding of bindings.toSorted(inOrder)) {
    const last = runs.find(({ to }) => follows(to, binding));
    if (last === undefined) runs.push({ from: binding, to: binding });
    else last.to = binding;
  }
  const shown = runs.map(({ from, to }) => {
    const range = (first: number, end: number) => (first === end ? `${first}` : `${first}-${end}`);
    const inside = range(from.port, to.port);
    const outside = from.hostPort === to.hostPort ? '' : `-${to.hostPort}`;
    return `${hostSide(from)}${outside}->${inside}/${from.protocol}`;
  });
  return [...shown, ...exposed.filter((one) => !published.has(one))].join(', ');
}

interface Run {
  readonly from: PortBinding;
  to: PortBinding;
}

function follows(one: PortBinding, other: PortBinding): boolean {
  return (
    one.hostIp === other.hostIp &&
    one.protocol === other.protocol &&
    one.port + 1 === other.port &&
    one.hostPort + 1 === other.hostPort
  );
}

function inOrder(one: PortBinding, other: PortBinding): number {
  return (
    one.port - other.port || one.hostPort - other.hostPort || (one.hostIp < other.hostIp ? -1 : 1)
  );
}
