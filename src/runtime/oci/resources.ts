import {
  DEFAULT_DEVICE_RULES,
  type Hierarchies,
  type LinuxResources,
} from '../../linux/cgroup/index.ts';
import type { Spec } from '../spec.ts';

/** What a container of a bundle may use, and what this machine cannot keep it from. */
export interface BundleResources {
  readonly resources: LinuxResources;
  readonly warnings: readonly string[];
}

/**
 * The resources of a config, with the devices that every runtime adds: none but the usual ones, whatever
 * the config says of devices or leaves out; its own rules come in between. As runc has it
 * (`libcontainer/specconv`), but without its /dev/net/tun, which is none of `config-linux.md`.
 *
 * A machine that controls no devices is warned of where the config says nothing of them; rules of its own
 * are an error there.
 */
export function resourcesOf(spec: Spec, { of }: Pick<Hierarchies, 'of'>): BundleResources {
  const resources = (spec.linux?.resources ?? {}) as LinuxResources;
  const own = resources.devices ?? [];
  if (own.length === 0 && of.devices === undefined)
    return {
      resources,
      warnings: ['no cgroup here controls who opens which device: all are open'],
    };
  const devices = [{ allow: false }, ...own, ...DEFAULT_DEVICE_RULES];
  return { resources: { ...resources, devices }, warnings: [] };
}
