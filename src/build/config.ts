import { constants } from 'node:os';
import { posix } from 'node:path';
import type { ContainerConfig, Healthcheck } from '../image/index.ts';
import type { Command, HealthcheckSpec, Meaning, Pair } from './dockerfile/instruction.ts';
import { splitWords } from './dockerfile/words.ts';
import { Growth } from './growth.ts';

/** The instructions that say how a container is started and change no file. */
type Configuring = Exclude<Meaning, { kind: 'run' | 'copy' | 'workdir' | 'arg' | 'maintainer' }>;

/**
 * The config after an instruction that only configures. Pure.
 *
 * @param value expands a word's variables.
 * @param growth that of the stage: collections in `config` that it has made are added to.
 * @throws {SyntaxError} a port or volume that is none.
 */
export function configure(
  config: ContainerConfig,
  instruction: Configuring,
  value: (word: string) => string,
  growth = new Growth(),
): ContainerConfig {
  const { Env, Labels, ExposedPorts, Volumes, OnBuild } = config;
  switch (instruction.kind) {
    case 'env':
      return { ...config, Env: growth.environment(Env, expandPairs(instruction.pairs, value)) };
    case 'label':
      return { ...config, Labels: growth.keys(Labels, expandPairs(instruction.pairs, value)) };
    case 'user':
      return { ...config, User: said('USER', value(instruction.value)) };
    case 'cmd':
      return { ...config, Cmd: commandArgv(instruction.command, config) };
    case 'entrypoint':
      return { ...config, Entrypoint: commandArgv(instruction.command, config) };
    case 'shell':
      return { ...config, Shell: instruction.argv };
    case 'expose': {
      const ports = portsOf(instruction.words.flatMap((word) => splitWords(value(word))));
      return { ...config, ExposedPorts: growth.keys(ExposedPorts, ports) };
    }
    case 'volume':
      return { ...config, Volumes: growth.keys(Volumes, pathsOf(instruction.words.map(value))) };
    case 'stopsignal':
      return { ...config, StopSignal: signal(value(instruction.value)) };
    case 'healthcheck':
      return { ...config, Healthcheck: healthcheckOf(instruction.check) };
    case 'onbuild':
      return { ...config, OnBuild: growth.list(OnBuild, instruction.trigger) };
  }
}

/** A command as an argv: the shell form goes through the image's SHELL. */
export function commandArgv(command: Command, config: ContainerConfig): readonly string[] {
  if (command.form === 'exec') return command.argv;
  if (command.form === 'script') return [scriptPath(command.name)];
  return [...(config.Shell ?? ['/bin/sh', '-c']), command.text];
}

/** Where a heredoc with `#!` lies while RUN executes it. */
export function scriptPath(name: string): string {
  return `/dev/pipes/${name}`;
}

/** Docker's Healthcheck; `CMD-SHELL` leaves the shell to whoever performs it. */
function healthcheckOf(spec: HealthcheckSpec): Healthcheck {
  const { command, ...about } = spec;
  if (command === 'none') return { Test: ['NONE'] };
  if (command.form === 'exec') return { ...about, Test: ['CMD', ...command.argv] };
  return { ...about, Test: ['CMD-SHELL', command.text] };
}

function said(keyword: string, value: string): string {
  if (value === '') throw new SyntaxError(`${keyword} is blank once its variables are put in`);
  return value;
}

/** A signal's name or number, as it was written. @throws {SyntaxError} it is none */
function signal(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, '');
  const isKnown = /^\d+$/.test(text)
    ? Number(text) >= 1 && Number(text) <= 64
    : `SIG${name}` in constants.signals || /^RTM(IN(\+\d{1,2})?|AX(-\d{1,2})?)$/.test(name);
  if (!isKnown) throw new SyntaxError(`invalid signal: ${text}`);
  return text;
}

type Keys = [string, Record<string, never>][];

/** `80`, `53/udp`, `8000-8002` as the image config wants them. @throws {SyntaxError} */
function portsOf(words: readonly string[]): Keys {
  const ports: Keys = [];
  for (const word of words) {
    const [, first, last = first, protocol = 'tcp'] =
      // A host's address and port before it mean nothing here: `lint` says so.
      /^(?:[^/]*:)?(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from > to || from < 1 || to > 65535)
      throw new SyntaxError(`invalid containerPort: ${word}`);
    for (let port = from; port <= to; port++) ports.push([`${port}/${protocol.toLowerCase()}`, {}]);
  }
  return ports;
}

/** Volumes' paths, cleaned. @throws {SyntaxError} */
function pathsOf(words: readonly string[]): Keys {
  if (words.includes('')) throw new SyntaxError('VOLUME specified can not be an empty string');
  return words.map((word) => [posix.resolve('/', word), {}]);
}

function expandPairs(pairs: readonly Pair[], value: (word: string) => string): Pair[] {
  return pairs.map(([key, word]) => [value(key), value(word)]);
}
