import type { Digest } from '../image/index.ts';
import { commandArgv, scriptPath } from './config.ts';
import type { Run } from './dockerfile/instruction.ts';
import { understandMount } from './dockerfile/mount.ts';
import { absolute, type MountOrigin, type OperationMount, type RunOperation } from './graph.ts';
import { splitAtEquals } from './growth.ts';
import type { StageContext, StageState } from './instructions.ts';
import { cacheMountId } from './predefined.ts';

interface About {
  readonly state: StageState;
  readonly context: StageContext;
  /** Expands a word's variables. */
  readonly value: (word: string) => string;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * What a RUN does, and the inputs of its vertex after the first: what its mounts are taken from, each
 * once. Pure.
 *
 * @throws {SyntaxError} a mount that is none.
 */
export function runOperation(
  instruction: Run,
  about: About,
): { readonly op: RunOperation; readonly inputs: readonly Digest[] } {
  const { state, context } = about;
  const inputs: Digest[] = [];
  const mounts = instruction.mounts.map((flag): OperationMount => {
    const mount = understandMount(flag, about.value);
    const target = (path: string) => targetOf(path, state);
    switch (mount.type) {
      case 'bind':
        return { ...mount, target: target(mount.target), from: originOf(mount, context, inputs) };
      case 'cache': {
        const id = cacheMountId(mount.id, context.buildArgs);
        const from = originOf(mount, context, inputs);
        return { ...mount, id, target: target(mount.target), from };
      }
      case 'tmpfs':
        return { ...mount, target: target(mount.target) };
      default:
        return mount.target === undefined ? mount : { ...mount, target: target(mount.target) };
    }
  });
  const op: RunOperation = {
    kind: 'run',
    argv: commandArgv(instruction.command, state.config),
    env: environment(state),
    cwd: state.config.WorkingDir || '/',
    user: state.config.User ?? '',
    network: instruction.network ?? context.network,
    security: instruction.security,
    ...(context.surroundings === undefined ? {} : { surroundings: context.surroundings }),
    mounts: [...scripts(instruction), ...mounts],
  };
  return { op, inputs };
}

function scripts({ command }: Run): OperationMount[] {
  if (command.form !== 'script') return [];
  return [{ type: 'script', target: scriptPath(command.name), content: command.content }];
}

function originOf(
  { type, from }: { readonly type: 'bind' | 'cache'; readonly from: string | undefined },
  { sourceOf }: StageContext,
  inputs: Digest[],
): MountOrigin {
  if (from === undefined) return type === 'bind' ? 'context' : 'nothing';
  const source = sourceOf(from);
  if (!inputs.includes(source)) inputs.push(source);
  // The first input is what the RUN stands on.
  return inputs.indexOf(source) + 1;
}

function targetOf(target: string, { config }: StageState): string {
  const whole = absolute(config.WorkingDir || '/', target).replace(/(.)\/$/, '$1');
  if (whole === '/') throw new SyntaxError(`invalid mount target "${target}"`);
  return whole;
}

/** ENV wins over an ARG of the same name. */
function environment({ config, args }: StageState): string[] {
  const said = config.Env ?? [];
  const set = new Set(said.map((entry) => splitAtEquals(entry)[0]));
  const path = set.has('PATH') ? [] : [DEFAULT_PATH];
  const more = [...args].filter(([name]) => !set.has(name)).map(([name, v]) => `${name}=${v}`);
  return [...path, ...said, ...more];
}
