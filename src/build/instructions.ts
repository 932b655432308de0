import type { ContainerConfig, Digest } from '../image/index.ts';
import { commandArgv, healthcheckOf, pathsOf, portsOf } from './config.ts';
import type { Arg, Copy, Instruction, Pair } from './dockerfile/instruction.ts';
import type { Dockerfile } from './dockerfile/parse.ts';
import { errorAt } from './dockerfile/source.ts';
import { expand, expandText, type Variables } from './dockerfile/words.ts';
import { absolute, type HistoryStep, type Operation, type Vertices } from './graph.ts';

/** Where a stage stands after some of its instructions. */
export interface StageState {
  /** The vertex whose files it has. */
  readonly vertex: Digest;
  readonly config: ContainerConfig;
  readonly history: readonly HistoryStep[];
  /** ARGs with their values; RUN sees them too. */
  readonly args: ReadonlyMap<string, string>;
  /** Whether CMD was said in this file: ENTRYPOINT forgets one that only the base image had. */
  readonly hasCmd: boolean;
}

export interface StageContext {
  readonly dockerfile: Dockerfile;
  readonly graph: Vertices;
  /** `[build 2/4] RUN make` for step 2. */
  readonly label: (step: number, text: string) => string;
  readonly globals: ReadonlyMap<string, string>;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly network: string;
  /** The vertex that `--from=name` means. */
  readonly sourceOf: (name: string) => Digest;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** ARGs that need no declaration, and of which the cache knows nothing. */
const PROXIES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy'];

/**
 * Applies a stage's instructions to its base, adding a vertex for each that changes files. Pure.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: a variable cannot be expanded.
 */
export function planInstructions(
  start: StageState,
  instructions: readonly Instruction[],
  context: StageContext,
): StageState {
  let state = start;
  let step = 1;
  for (const instruction of instructions) {
    try {
      const before = state;
      state = apply(state, instruction, context, () => context.label(++step, instruction.text));
      state = { ...state, history: [...state.history, historyOf(instruction, before, state)] };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const { source } = context.dockerfile;
      throw errorAt('DOCKERFILE_INVALID', source, instruction.place, error.message);
    }
  }
  return state;
}

/** Proxies given as build arguments reach RUN without being declared. */
export function proxyArgs(buildArgs: Readonly<Record<string, string>>): string[] {
  return Object.entries(buildArgs)
    .filter(([name]) => PROXIES.includes(name.toLowerCase()))
    .map(([name, value]) => `${name}=${value}`);
}

function apply(
  state: StageState,
  instruction: Instruction,
  context: StageContext,
  label: () => string,
): StageState {
  const { config } = state;
  const variables = variablesOf(state);
  const value = (word: string) => expand(word, variables, context.dockerfile.esc);
  const content = (text: string) => expandText(text, variables, context.dockerfile.esc);
  const configured = (more: ContainerConfig) => ({ ...state, config: { ...config, ...more } });
  const vertex = (op: Operation, inputs = [state.vertex]) => ({
    ...state,
    vertex: context.graph.add(op, inputs, label(), instruction.place),
  });
  switch (instruction.kind) {
    case 'run':
      return vertex({
        kind: 'run',
        argv: commandArgv(instruction.command, config),
        env: runEnvironment(state),
        cwd: config.WorkingDir || '/',
        user: config.User ?? '',
        network:
          instruction.network === 'default'
            ? context.network
            : (instruction.network ?? context.network),
      });
    case 'copy': {
      const source = instruction.from === undefined ? [] : [context.sourceOf(instruction.from)];
      return vertex(copyOperation(state, instruction, value, content), [state.vertex, ...source]);
    }
    case 'workdir': {
      const path = absolute(config.WorkingDir || '/', value(instruction.path)).replace(
        /(.)\/$/,
        '$1',
      );
      return { ...vertex({ kind: 'workdir', path }), config: { ...config, WorkingDir: path } };
    }
    case 'arg':
      return { ...state, args: withArgs(state, instruction.args, context) };
    case 'env':
      return configured({ Env: withEnv(config.Env ?? [], expandPairs(instruction.pairs, value)) });
    case 'label':
      return configured({
        Labels: { ...config.Labels, ...Object.fromEntries(expandPairs(instruction.pairs, value)) },
      });
    case 'user':
      return configured({ User: value(instruction.value) });
    case 'cmd':
      return { ...configured({ Cmd: commandArgv(instruction.command, config) }), hasCmd: true };
    case 'entrypoint': {
      const Entrypoint = commandArgv(instruction.command, config);
      const { Cmd: _, ...withoutCmd } = config;
      return { ...state, config: { ...(state.hasCmd ? config : withoutCmd), Entrypoint } };
    }
    case 'expose':
      return configured({
        ExposedPorts: { ...config.ExposedPorts, ...portsOf(instruction.words.map(value)) },
      });
    case 'volume':
      return configured({
        Volumes: { ...config.Volumes, ...pathsOf(instruction.words.map(value)) },
      });
    case 'stopsignal':
      return configured({ StopSignal: value(instruction.value) });
    case 'shell':
      return configured({ Shell: instruction.argv });
    case 'healthcheck':
      return configured({ Healthcheck: healthcheckOf(instruction.check, config) });
    case 'maintainer':
      return configured({ Labels: { ...config.Labels, maintainer: instruction.value } });
  }
}

function variablesOf({ config, args }: Pick<StageState, 'config' | 'args'>): Variables {
  const environment = new Map(config.Env?.map(splitAtEquals));
  return (name) => environment.get(name) ?? args.get(name);
}

function copyOperation(
  state: StageState,
  instruction: Copy,
  value: (word: string) => string,
  expanded: (text: string) => string,
): Operation {
  return {
    kind: 'copy',
    from: instruction.from === undefined ? 'context' : 'input',
    sources: instruction.sources.map(value),
    inline: instruction.inline.map(({ name, content, expands }) => ({
      name,
      content: expands ? expanded(content) : content,
    })),
    target: absolute(state.config.WorkingDir || '/', value(instruction.target)),
    chown: instruction.chown === undefined ? null : value(instruction.chown),
    chmod: instruction.chmod ?? null,
  };
}

function withArgs(state: StageState, args: readonly Arg[], context: StageContext) {
  const values = new Map(state.args);
  for (const { name, value } of args) {
    const said = Object.hasOwn(context.buildArgs, name) ? context.buildArgs[name] : undefined;
    const ownDefault =
      value === undefined
        ? undefined
        : expand(value, variablesOf({ ...state, args: values }), context.dockerfile.esc);
    const given = said ?? ownDefault ?? context.globals.get(name);
    if (given !== undefined) values.set(name, given);
  }
  return values;
}

/** ENV wins over an ARG of the same name. */
function runEnvironment({ config, args }: StageState): string[] {
  const environment = config.Env ?? [];
  const set = new Set(environment.map((entry) => splitAtEquals(entry)[0]));
  const path = set.has('PATH') ? [] : [DEFAULT_PATH];
  const more = [...args].filter(([name]) => !set.has(name)).map(([name, v]) => `${name}=${v}`);
  return [...path, ...environment, ...more];
}

function expandPairs(pairs: readonly Pair[], value: (word: string) => string): Pair[] {
  return pairs.map(([key, word]) => [value(key), value(word)]);
}

/** A variable that is set again keeps its place. */
function withEnv(environment: readonly string[], pairs: readonly Pair[]): string[] {
  const all = new Map(environment.map(splitAtEquals));
  for (const [key, value] of pairs) all.set(key, value);
  return [...all].map(([key, value]) => `${key}=${value}`);
}

function splitAtEquals(entry: string): [string, string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}

function historyOf(instruction: Instruction, before: StageState, after: StageState): HistoryStep {
  const made = after.vertex === before.vertex ? undefined : after.vertex;
  const created_by =
    instruction.kind === 'run'
      ? `RUN ${commandArgv(instruction.command, before.config).join(' ')}`
      : instruction.text;
  const entry = { created_by, comment: 'cloche' };
  return made === undefined ? { entry: { ...entry, empty_layer: true } } : { entry, vertex: made };
}
