import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { listImages } from '../../image/index.ts';
import type { Engine } from '../engine.ts';
import { allContainers } from '../life/records.ts';
import { type State, stateOf } from '../life/state.ts';

/**
 * What docker's `info` says of an engine and its machine, in its names, for all that is known here.
 * What cannot be limited on this machine is a warning, in docker's words.
 */
export function infoShape(engine: Engine, version: string) {
  const states = allContainers(engine).map((container) => stateOf(engine, container));
  const count = (...wanted: State[]) => states.filter((state) => wanted.includes(state)).length;
  const { of, mode } = engine.hierarchies;
  const has = {
    MemoryLimit: of.memory !== undefined,
    SwapLimit: hasSwapLimit(engine),
    CpuCfsQuota: of.cpu !== undefined,
    CPUShares: of.cpu !== undefined,
    CPUSet: of.cpuset !== undefined,
    PidsLimit: of.pids !== undefined,
    IPv4Forwarding: textOf('/proc/sys/net/ipv4/ip_forward').trim() === '1',
  };
  return {
    Containers: states.length,
    ContainersRunning: count('running'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited'),
    Images: listImages(engine.store).length,
    Driver: 'overlay2',
    ...has,
    CgroupDriver: mode === 'none' ? 'none' : 'cgroupfs',
    // Of hybrid machines docker says 1: their controllers are there.
    CgroupVersion: mode === 'v2' ? '2' : '1',
    KernelVersion: textOf('/proc/sys/kernel/osrelease').trim(),
    OperatingSystem: operatingSystem(),
    OSType: 'linux',
    Architecture: process.arch === 'x64' ? 'x86_64' : 'aarch64',
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    DockerRootDir: engine.store.root,
    Name: hostname(),
    ServerVersion: version,
    Runtimes: { cloche: { path: 'cloche oci' } },
    DefaultRuntime: 'cloche',
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
    Warnings: warningsOf(has),
  };
}

function hasSwapLimit({ hierarchies }: Engine): boolean {
  const tree = hierarchies.of.memory;
  if (tree?.version !== 1) return tree !== undefined;
  return textOf(`${tree.mountPoint}/memory.memsw.limit_in_bytes`) !== '';
}

const WARNINGS = [
  ['MemoryLimit', 'No memory limit support'],
  ['SwapLimit', 'No swap limit support'],
  ['CpuCfsQuota', 'No cpu cfs quota support'],
  ['CPUSet', 'No cpuset support'],
  ['PidsLimit', 'No pids limit support'],
  ['IPv4Forwarding', 'IPv4 forwarding is disabled'],
] as const;

function warningsOf(has: Readonly<Record<(typeof WARNINGS)[number][0], boolean>>): string[] {
  return WARNINGS.flatMap(([key, text]) => (has[key] ? [] : [`WARNING: ${text}`]));
}

/** `PRETTY_NAME` of os-release(5). */
function operatingSystem(): string {
  const [, name] = /^PRETTY_NAME="?(.*?)"?$/m.exec(textOf('/etc/os-release')) ?? [];
  return name ?? 'Linux';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
