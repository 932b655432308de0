import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configOf, findActive, type Image } from '../../image/index.ts';
import { cgroupOf } from '../../linux/cgroup/index.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import { type Container, directoryOf } from '../life/records.ts';
import { stateOf } from '../life/state.ts';
import { containerSide, exposedPorts } from '../ports/index.ts';
import { isReadOnly, parseVolume } from '../volumes/index.ts';
import { networkShape } from './inspect-network.ts';

/**
 * What docker's `container inspect` says of a container, in its names, for all that is known here.
 * What runs is read from the kernel.
 *
 * @throws {ClocheError} `BLOB_MISSING`
 */
export function inspectContainer(engine: Engine, container: Container) {
  const { id, options, command } = container;
  const directory = directoryOf(engine, id);
  const file = (name: string) => (existsSync(join(directory, name)) ? join(directory, name) : '');
  const active = findActive(engine.store, container.snapshot);
  return {
    Id: id,
    Created: container.created.toISOString(),
    Path: command[0] ?? '',
    Args: command.slice(1),
    State: stateShape(engine, container),
    Image: container.imageId,
    ResolvConfPath: file('resolv.conf'),
    HostnamePath: file('hostname'),
    HostsPath: file('hosts'),
    LogPath: file('log'),
    Name: `/${container.name}`,
    Driver: 'overlay2',
    Platform: 'linux',
    HostConfig: hostShape(container),
    GraphDriver: {
      Name: 'overlay2',
      Data: {
        LowerDir: active?.lower.join(':') ?? '',
        UpperDir: active?.upper ?? '',
        WorkDir: active?.work ?? '',
      },
    },
    Mounts: options.volumes.map((volume) => mountShape(engine, volume)),
    Config: configShape(engine, container),
    NetworkSettings: networkShape(engine, container),
  };
}

/** docker's word for no time. */
const NEVER = '0001-01-01T00:00:00Z';

function stateShape(engine: Engine, container: Container) {
  const status = stateOf(engine, container);
  const runs = isAlive(container);
  return {
    Status: status,
    Running: runs,
    Paused: status === 'paused',
    OOMKilled:
      runs && container.pid !== undefined
        ? wasShort(engine, container.pid)
        : (container.oomKilled ?? false),
    Pid: runs ? (container.pid ?? 0) : 0,
    ExitCode: container.exitCode ?? 0,
    StartedAt: container.started?.toISOString() ?? NEVER,
    FinishedAt: container.finished?.toISOString() ?? NEVER,
  };
}

function wasShort(engine: Engine, pid: number): boolean {
  return (cgroupOf(engine.hierarchies, pid).stats().memory?.oomKills ?? 0) > 0;
}

function hostShape({ options }: Container) {
  return {
    Binds: options.volumes,
    NetworkMode: options.network,
    PidMode: options.pidMode ?? '',
    IpcMode: options.ipcMode ?? 'private',
    UTSMode: options.utsMode ?? '',
    CgroupnsMode: options.cgroupnsMode ?? 'private',
    AutoRemove: options.remove,
    Init: options.init ?? false,
    Privileged: options.privileged,
    CapAdd: options.capAdd,
    CapDrop: options.capDrop,
    Memory: options.memory ?? 0,
    NanoCpus: Math.round((options.cpus ?? 0) * 1e9),
    PidsLimit: options.pidsLimit ?? null,
    PortBindings: Object.fromEntries(
      Object.entries(Object.groupBy(options.publish ?? [], containerSide)).map(([port, specs]) => [
        port,
        specs?.map(({ hostIp = '', hostPorts = [] }) => ({
          HostIp: hostIp,
          HostPort: [...new Set(hostPorts)].join('-'),
        })),
      ]),
    ),
    PublishAllPorts: options.publishAll ?? false,
    ReadonlyRootfs: options.readOnly ?? false,
    Tmpfs: Object.fromEntries((options.tmpfs ?? []).map((one) => one.split(/:(.*)/s, 2))),
    GroupAdd: options.groupAdd ?? [],
    Sysctls: options.sysctls ?? {},
    Dns: options.dns ?? [],
    DnsOptions: options.dnsOptions ?? [],
    DnsSearch: options.dnsSearch ?? [],
    CpuPeriod: options.cpuPeriod ?? 0,
    CpuQuota: options.cpuQuota ?? 0,
    CpuShares: options.cpuShares ?? 0,
    CpusetCpus: options.cpuset?.cpus ?? '',
    CpusetMems: options.cpuset?.mems ?? '',
    MemoryReservation: options.memoryReservation ?? 0,
    MemorySwap: options.memorySwap ?? options.memory ?? 0,
    OomScoreAdj: options.oomScoreAdj ?? 0,
  };
}

function mountShape(engine: Engine, volume: string) {
  const spec = parseVolume(volume);
  const { source = '', isVolume, target, mode } = spec;
  return {
    Type: isVolume ? 'volume' : 'bind',
    ...(isVolume ? { Name: source, Driver: 'local' } : {}),
    Source: isVolume ? join(engine.store.root, 'volumes', source) : source,
    Destination: target,
    Mode: mode,
    RW: !isReadOnly(spec),
  };
}

/** The image's config with what `run` said on top of it. */
function configShape(engine: Engine, { id, image, imageId, options }: Container) {
  const { config } = configOf(engine.store, { id: imageId as Image['id'] });
  const stopSignal = options.stopSignal ?? config.StopSignal;
  return {
    Hostname: options.hostname ?? id.slice(0, 12),
    Domainname: options.domainname ?? '',
    User: options.user ?? config.User ?? '',
    Tty: options.tty,
    OpenStdin: options.interactive,
    Env: [...(config.Env ?? []), ...options.env],
    Cmd: options.command.length > 0 ? options.command : (config.Cmd ?? null),
    Image: image,
    WorkingDir: options.workdir ?? config.WorkingDir ?? '',
    Entrypoint: options.entrypoint ?? config.Entrypoint ?? null,
    Labels: { ...config.Labels, ...options.labels },
    ...exposedShape(exposedPorts(options, config)),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  };
}

function exposedShape(ports: readonly string[]) {
  return ports.length === 0
    ? {}
    : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) };
}
