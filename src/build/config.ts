import { posix } from 'node:path';
import type { ContainerConfig, Healthcheck } from '../image/index.ts';
import type { Command, HealthcheckSpec } from './dockerfile/instruction.ts';

/** A command as an argv: the shell form goes through the image's SHELL. */
export function commandArgv(command: Command, config: ContainerConfig): readonly string[] {
  if (command.form === 'exec') return command.argv;
  return [...(config.Shell ?? ['/bin/sh', '-c']), command.text];
}

/** Docker's Healthcheck; `CMD-SHELL` leaves the shell to whoever performs it. */
export function healthcheckOf(spec: HealthcheckSpec, config: ContainerConfig): Healthcheck {
  const { command, ...about } = spec;
  if (command === 'none') return { Test: ['NONE'] };
  if (command.form === 'exec') return { ...about, Test: ['CMD', ...command.argv] };
  if (config.Shell === undefined) return { ...about, Test: ['CMD-SHELL', command.text] };
  return { ...about, Test: ['CMD', ...config.Shell, command.text] };
}

type Keys = Record<string, Record<string, never>>;

/** `80`, `53/udp`, `8000-8002` as the image config wants them. @throws {SyntaxError} */
export function portsOf(words: readonly string[]): Keys {
  const ports: Keys = {};
  for (const word of words) {
    const [, first, last = first, protocol = 'tcp'] =
      /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from > to || from < 1 || to > 65535)
      throw new SyntaxError(`invalid containerPort: ${word}`);
    for (let port = from; port <= to; port++) ports[`${port}/${protocol.toLowerCase()}`] = {};
  }
  return ports;
}

/** Volumes' paths, cleaned. @throws {SyntaxError} */
export function pathsOf(words: readonly string[]): Keys {
  if (words.includes('')) throw new SyntaxError('VOLUME specified can not be an empty string');
  return Object.fromEntries(words.map((word) => [posix.resolve('/', word), {}]));
}
