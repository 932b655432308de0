import { ClocheError } from '../../error.ts';
import type { Controller, Hierarchies } from './detect.ts';
import { given } from './given.ts';
import type { DeviceRule, LinuxResources } from './resources.ts';
import { v1 } from './v1.ts';
import { v2 } from './v2.ts';

/**
 * The resources as writes into the files of a cgroup, in the order in which they must be written,
 * each by the driver of the hierarchy that has its controller. Pure.
 *
 * @param current what the cgroup holds now, when it is changed and not new: the kernel wants
 *   `limit ≤ memory+swap` at every moment, so raising and lowering go in opposite orders.
 * @throws {ClocheError} `CGROUP_CONTROLLER_MISSING`: the machine has the controller nowhere;
 *   `CGROUP_UNSUPPORTED`: this version of cgroups cannot do it; `CGROUP_RESOURCES_INVALID`.
 */
export function settingsOf(
  hierarchies: Hierarchies,
  resources: LinuxResources,
  current?: CurrentLimits,
): Settings {
  const { memory, cpu, pids, blockIO, hugepageLimits, rdma, network, devices, unified } =
    given(resources);
  const by = (controller: Controller, field: string) => driverOf(hierarchies, controller, field);
  const files = [
    ...(memory && isGiven(memory) ? by('memory', 'memory').memory(memory, current) : []),
    ...(cpu && isGiven(cpuTime(cpu)) ? by('cpu', 'cpu').cpu(cpu) : []),
    ...(cpu?.cpus || cpu?.mems ? by('cpuset', 'cpu.cpus').cpuset(cpu) : []),
    ...(pids?.limit ? by('pids', 'pids').pids(pids) : []),
    ...(blockIO && isGiven(blockIO) ? by('io', 'blockIO').io(blockIO) : []),
    ...(hugepageLimits?.length ? by('hugetlb', 'hugepageLimits').hugetlb(hugepageLimits) : []),
    ...(rdma && isGiven(rdma) ? by('rdma', 'rdma').rdma(rdma) : []),
    ...(network?.classID !== undefined ? by('net_cls', 'network.classID').network(network) : []),
    ...(network?.priorities?.length ? by('net_prio', 'network.priorities').network(network) : []),
    ...unifiedSettings(hierarchies, unified ?? {}),
  ];
  if (!devices?.length) return { files, deviceProgram: undefined };
  const driver = by('devices', 'devices');
  if (driver.devices === undefined) return { files, deviceProgram: devices };
  return { files: [...files, ...driver.devices(devices)], deviceProgram: undefined };
}

/** One write of one file: `memory.max` becomes `83886080`. */
export interface Setting {
  /** Whose hierarchy the file is in; `core` is v2's own, such as `cgroup.max.depth`. */
  readonly controller: Controller | 'core';
  readonly file: string;
  readonly content: string;
  /** The reason, for whoever reads the plan. */
  readonly why: string;
}

export interface Settings {
  readonly files: readonly Setting[];
  /** The rules that must become an eBPF program, since v2 has no file for devices. */
  readonly deviceProgram: readonly DeviceRule[] | undefined;
}

/** Bytes; undefined is no limit. */
export interface CurrentLimits {
  /** On v1 `memory.memsw.limit_in_bytes`. */
  readonly memorySwap: number | undefined;
}

/** What a version of cgroups knows to do with each part of the resources. */
export interface Driver {
  memory(memory: NonNullable<LinuxResources['memory']>, current?: CurrentLimits): Setting[];
  cpu(cpu: NonNullable<LinuxResources['cpu']>): Setting[];
  cpuset(cpu: NonNullable<LinuxResources['cpu']>): Setting[];
  pids(pids: NonNullable<LinuxResources['pids']>): Setting[];
  io(blockIO: NonNullable<LinuxResources['blockIO']>): Setting[];
  hugetlb(limits: NonNullable<LinuxResources['hugepageLimits']>): Setting[];
  rdma(limits: NonNullable<LinuxResources['rdma']>): Setting[];
  network(network: NonNullable<LinuxResources['network']>): Setting[];
  /** Not there when devices are no matter of files. */
  devices?(rules: readonly DeviceRule[]): Setting[];
}

function driverOf(hierarchies: Hierarchies, controller: Controller, field: string): Driver {
  const tree = hierarchies.of[controller];
  if (tree === undefined) throw missingController(hierarchies, controller, field);
  return tree.version === 1 ? v1 : v2;
}

function cpuTime(cpu: NonNullable<LinuxResources['cpu']>) {
  return { ...cpu, cpus: undefined, mems: undefined };
}

function isGiven(resources: object): boolean {
  return Object.values(resources).some((value) => value !== undefined);
}

/** Files of v2 by name, which a hybrid machine has only for the controllers that v1 left. */
function unifiedSettings(
  hierarchies: Hierarchies,
  unified: Readonly<Record<string, string>>,
): Setting[] {
  return Object.entries(unified).flatMap(([file, content]) => {
    const [prefix = ''] = file.split('.');
    if (!/^[a-z0-9]+(\.[A-Za-z0-9_.]+)+$/.test(file))
      throw new ClocheError('CGROUP_RESOURCES_INVALID', `'${file}' is no cgroup v2 file`, {
        class: 'invalid-argument',
        hint: "linux.resources.unified takes file names such as 'memory.high'.",
      });
    const controller = prefix === 'cgroup' ? 'core' : (prefix as Controller);
    const tree = controller === 'core' ? hierarchies.unified : hierarchies.of[controller];
    if (tree?.version !== 2)
      throw missingController(hierarchies, controller, `unified['${file}']`, 2);
    const why = `linux.resources.unified asks for ${file}`;
    return content.split('\n').map((line) => ({ controller, file, content: line, why }));
  });
}

/** The error for a limit whose controller is nowhere; its hint names what is mounted. */
export function missingController(
  hierarchies: Hierarchies,
  controller: Controller | 'core',
  field: string,
  version?: 2,
): ClocheError {
  const where = version === undefined ? '' : ' of cgroup v2';
  return new ClocheError(
    'CGROUP_CONTROLLER_MISSING',
    `'linux.resources.${field}' needs the ${controller} controller${where}, which is not mounted`,
    {
      class: 'unavailable',
      hint: hintFor(hierarchies, controller),
      details: { controller, field, mode: hierarchies.mode },
    },
  );
}

function hintFor(hierarchies: Hierarchies, controller: Controller | 'core'): string {
  const { all, of, kernel, mode } = hierarchies;
  const mounted = all.map((tree) => {
    const names = tree.controllers.length === 0 ? 'no controllers' : tree.controllers.join(', ');
    return `${tree.mountPoint} (v${tree.version}: ${names})`;
  });
  const there =
    mounted.length === 0 ? 'No cgroups are mounted.' : `Mounted: ${mounted.join('; ')}.`;
  if (controller === 'core') return there;
  if (of[controller] !== undefined)
    return `${controller} is on cgroup v${of[controller].version} here. ${there}`;
  if (kernel[controller] === 'disabled')
    return `The kernel was booted with it off; boot with cgroup_enable=${controller}. ${there}`;
  if (kernel[controller] === undefined)
    return `This kernel does not list ${controller} in /proc/cgroups. ${there}`;
  const v1Name = controller === 'io' ? 'blkio' : controller;
  const at = `/sys/fs/cgroup/${v1Name}`;
  if (mode === 'v2') return `The v2 root does not offer it in cgroup.controllers. ${there}`;
  return `Mount it: mkdir ${at} && mount -t cgroup -o ${v1Name} cgroup ${at}. ${there}`;
}
