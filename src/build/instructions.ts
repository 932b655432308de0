import { posix } from 'node:path';
import type { ContainerConfig, Digest } from '../image/index.ts';
import { commandArgv, configure } from './config.ts';
import { copyOperation } from './copy-operation.ts';
import { USAGE } from './dockerfile/dispatch.ts';
import type { Arg, Instruction } from './dockerfile/instruction.ts';
import type { Dockerfile } from './dockerfile/parse.ts';
import { errorAt } from './dockerfile/source.ts';
import { expand, type Variables } from './dockerfile/words.ts';
import type { HistoryStep, Operation, Surroundings, Vertices } from './graph.ts';
import { Growth } from './growth.ts';
import { runOperation } from './run-operation.ts';

/** Where a stage stands after some of its instructions. */
export interface StageState {
  /** The vertex whose files it has. */
  readonly vertex: Digest;
  readonly config: ContainerConfig;
  readonly history: readonly HistoryStep[];
  /** ARGs with their values; RUN sees them too. */
  readonly args: ReadonlyMap<string, string>;
  /** Whether CMD was said in this stage: ENTRYPOINT forgets one that the base had, be it an earlier stage. */
  readonly hasCmd: boolean;
  /** By MAINTAINER, here or in the base. */
  readonly author: string | undefined;
}

export interface StageContext {
  readonly dockerfile: Dockerfile;
  readonly graph: Vertices;
  /** `[build 2/4] RUN make` for step 2. */
  readonly label: (step: number, text: string) => string;
  readonly globals: ReadonlyMap<string, string>;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly network: string;
  readonly surroundings: Surroundings | undefined;
  /** The vertex that `--from=name` means. */
  readonly sourceOf: (name: string) => Digest;
}

/** What one instruction is applied with. */
interface About extends Omit<StageContext, 'label'> {
  readonly growth: Growth;
  readonly label: () => string;
}

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
  const growth = new Growth();
  const history = [...start.history];
  for (const instruction of instructions) {
    try {
      const before = state;
      const label = () => context.label(++step, instruction.text);
      state = apply(state, instruction, { ...context, growth, label });
      history.push(historyOf(instruction, before, state));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const { source } = context.dockerfile;
      throw errorAt(
        'DOCKERFILE_INVALID',
        source,
        instruction.place,
        error.message,
        hintFor(instruction, error),
      );
    }
  }
  return { ...state, history };
}

function hintFor({ text }: Instruction, { message }: SyntaxError): string {
  if (/substitution|not allowed to be|while looking for|missing '/.test(message))
    return 'A stage sees its own ARG and ENV, and of the ARGs before FROM those that it declares again.';
  const [keyword = ''] = text.split(' ');
  return `It is written ${USAGE[keyword] ?? keyword}.`;
}

/** Proxies given as build arguments reach RUN without being declared. */
export function proxyArgs(buildArgs: Readonly<Record<string, string>>): string[] {
  return Object.entries(buildArgs)
    .filter(([name]) => PROXIES.includes(name.toLowerCase()))
    .map(([name, value]) => `${name}=${value}`);
}

function apply(state: StageState, instruction: Instruction, context: About): StageState {
  const { growth } = context;
  const { config } = state;
  const variables = variablesOf(state, growth);
  const value = (word: string) => expand(word, variables, context.dockerfile.esc);
  const vertex = (op: Operation, inputs: readonly Digest[] = []) => ({
    ...state,
    vertex: context.graph.add(op, [state.vertex, ...inputs], context.label(), instruction.place),
  });
  switch (instruction.kind) {
    case 'run': {
      const { op, inputs } = runOperation(instruction, { state, context, value });
      return vertex(op, inputs);
    }
    case 'copy': {
      const source = instruction.from === undefined ? [] : [context.sourceOf(instruction.from)];
      return vertex(copyOperation(instruction, { state, value, variables }), source);
    }
    case 'workdir': {
      const path = posix.resolve('/', config.WorkingDir ?? '', value(instruction.path));
      const user = config.User === '' ? undefined : config.User;
      return {
        ...vertex({ kind: 'workdir', path, user }),
        config: { ...config, WorkingDir: path },
      };
    }
    case 'maintainer':
      return { ...state, author: instruction.value };
    case 'arg':
      return { ...state, args: withArgs(state, instruction.args, context) };
    case 'cmd':
      return { ...state, config: configure(config, instruction, value, growth), hasCmd: true };
    case 'entrypoint': {
      const { Cmd: _, ...withoutCmd } = config;
      const kept = state.hasCmd ? config : withoutCmd;
      return { ...state, config: configure(kept, instruction, value, growth) };
    }
    default:
      return { ...state, config: configure(config, instruction, value, growth) };
  }
}

function variablesOf({ config, args }: StageState, growth: Growth): Variables {
  return (name) => growth.variable(config.Env, name) ?? args.get(name);
}

function withArgs(state: StageState, args: readonly Arg[], context: About) {
  const { growth, dockerfile, globals, buildArgs } = context;
  // Those of one instruction do not see each other.
  const variables = variablesOf(state, growth);
  const values = args.flatMap(({ name, value }): (readonly [string, string])[] => {
    const said = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
    const ownDefault = value === undefined ? undefined : expand(value, variables, dockerfile.esc);
    const given = said ?? ownDefault ?? globals.get(name);
    return given === undefined ? [] : [[name, given]];
  });
  return growth.entries(state.args, values);
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
