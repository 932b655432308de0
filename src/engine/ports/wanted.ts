import type { ContainerConfig } from '../../image/index.ts';
import type { RunOptions } from '../options.ts';
import { choosePorts, type PortBinding } from './choose.ts';
import { containerSide } from './show.ts';
import { type PortSpec, parseExpose } from './spec.ts';

/** What a container exposes: the image's EXPOSE and `--expose`, as `80/tcp`, in order. */
export function exposedPorts(
  { expose = [] }: Pick<RunOptions, 'expose'>,
  { ExposedPorts = {} }: Pick<ContainerConfig, 'ExposedPorts'>,
): string[] {
  const all = [...Object.keys(ExposedPorts), ...expose];
  const inOrder = all.filter(isKnown).flatMap(parseExpose).toSorted(byPort);
  return [...new Set([...inOrder.map(containerSide), ...all.filter((one) => !isKnown(one))])];
}

/**
 * The ports of the host for a container that is about to start: those it names, and with `-P` any for
 * what else it exposes. None where it has no network of its own.
 *
 * @throws {ClocheError} `PORTS_EXHAUSTED`
 */
export async function portsOf(
  options: RunOptions,
  config: Pick<ContainerConfig, 'ExposedPorts'>,
): Promise<PortBinding[]> {
  const { publish = [], publishAll = false, network } = options;
  if (network !== 'bridge') return [];
  const named = new Set(publish.map(containerSide));
  const exposed = publishAll ? exposedPorts(options, config) : [];
  const rest = exposed.filter((one) => !named.has(one) && isKnown(one)).flatMap(parseExpose);
  return choosePorts([...publish, ...rest] satisfies PortSpec[]);
}

/** What `-p` asks for in vain. */
export function portWarnings({ network, publish = [] }: RunOptions): string[] {
  return network === 'host' && publish.length > 0
    ? ['Published ports are discarded when using host network mode']
    : [];
}

/** Others' images may expose what we cannot publish, such as `9000/sctp`; it is shown all the same. */
function isKnown(text: string): boolean {
  return /^[\d-]+(\/(tcp|udp))?$/i.test(text);
}

function byPort(one: { readonly port: number }, other: { readonly port: number }): number {
  return one.port - other.port;
}
