import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../engine.ts';
import { cgroupOfRunning } from '../life/pause.ts';
import type { Container } from '../life/records.ts';

/** What a running container uses, as the kernel counts it. Bytes; undefined is not counted here. */
export interface Usage {
  readonly id: string;
  readonly name: string;
  /** Of one CPU, in percent, over the time that was measured: 200 is two whole CPUs. */
  readonly cpuPercent: number;
  readonly memory: number | undefined;
  /** The machine's memory where the container has no limit of its own. */
  readonly memoryLimit: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly processes: number | undefined;
}

/**
 * Looks twice, so many milliseconds apart. One that ends meanwhile is left out; one that did not run
 * to begin with uses nothing.
 */
export async function measure(
  engine: Engine,
  containers: readonly Container[],
  milliseconds: number,
): Promise<Usage[]> {
  const first = containers.map((container) => cpuOf(engine, container));
  const idle = new Set(containers.filter((_, i) => first[i] === undefined));
  const started = performance.now();
  await sleep(milliseconds);
  const elapsed = performance.now() - started;
  return containers.flatMap((container, i) => {
    if (idle.has(container)) return [nothingOf(container)];
    const [before, now] = [first[i], cpuOf(engine, container)];
    if (before === undefined || now === undefined) return [];
    const cpuPercent = (now - before) / (elapsed * 10);
    return [{ ...usageOf(engine, container), cpuPercent }];
  });
}

function nothingOf({ id, name }: Container): Usage {
  const none = { memory: 0, memoryLimit: 0, received: 0, sent: 0, read: 0, written: 0 };
  return { id, name, cpuPercent: 0, ...none, processes: 0 };
}

/** Microseconds; undefined once it has ended. */
function cpuOf(engine: Engine, container: Container): number | undefined {
  try {
    return cgroupOfRunning(engine, container).stats().cpu?.usage ?? 0;
  } catch {
    return undefined;
  }
}

function usageOf(engine: Engine, container: Container): Omit<Usage, 'cpuPercent'> {
  const { memory, pids, io } = cgroupOfRunning(engine, container).stats();
  const machine = machineMemory();
  const sum = (of: 'readBytes' | 'writtenBytes') =>
    (io ?? []).reduce((total, disk) => total + disk[of], 0);
  return {
    id: container.id,
    name: container.name,
    memory: memory?.current,
    memoryLimit: Math.min(memory?.limit ?? machine, machine),
    ...trafficOf(container),
    read: sum('readBytes'),
    written: sum('writtenBytes'),
    processes: pids?.current,
  };
}

/** Of all interfaces of its own but loopback; nothing is its own with the host's network. */
function trafficOf({ pid, options }: Container): { received: number; sent: number } {
  const lines = options.network === 'host' ? [] : textOf(`/proc/${pid}/net/dev`).split('\n');
  const fields = lines
    .map((line) => /^\s*(\w+):\s*(.*)$/.exec(line))
    .filter((match) => match !== null && match[1] !== 'lo')
    .map((match) => (match?.[2] ?? '').split(/\s+/).map(Number));
  const sum = (field: number) => fields.reduce((total, one) => total + (one[field] ?? 0), 0);
  return { received: sum(0), sent: sum(8) };
}

/** `MemTotal` of proc_meminfo(5), in bytes. */
function machineMemory(): number {
  return 1024 * Number(/^MemTotal:\s+(\d+)/m.exec(textOf('/proc/meminfo'))?.[1] ?? 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
