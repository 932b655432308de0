import { suggest } from '../../../suggest.ts';
import type { Instruction } from '../instruction.ts';
import type { Stage } from '../parse.ts';
import { type Finding, finding, type Subject } from './rule.ts';

const platformArgs = (prefix: string) =>
  ['PLATFORM', 'OS', 'ARCH', 'VARIANT'].map((name) => `${prefix}${name}`);

/** ARGs that FROM sees without declaration. */
export const PREDEFINED: readonly string[] = [
  ...platformArgs('TARGET'),
  ...platformArgs('BUILD'),
  'TARGETSTAGE',
];

const PROXIES = ['HTTP', 'HTTPS', 'FTP', 'NO', 'ALL'].map((name) => `${name}_PROXY`);
/** Known in every stage. */
const ALWAYS = new Set(['PATH', ...PROXIES, ...PROXIES.map((name) => name.toLowerCase())]);
const SECRET =
  /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|pwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:_|^)public(?:_|$)/i;

/** Rules about ARG and ENV. */
export function* variables(subject: Subject): Generator<Finding> {
  const known: (Set<string> | undefined)[] = [];
  for (const stage of subject.dockerfile.stages) {
    const start = environmentOf(subject, stage, known);
    const names = new Set([...(start.names ?? []), ...ALWAYS]);
    for (const instruction of stage.instructions) {
      yield* undefinedIn(instruction, names, start.isWhole);
      yield* secretsIn(instruction);
      for (const name of namesOf(instruction)) names.add(name);
    }
    known.push(start.isWhole ? names : undefined);
  }
}

/** The variables that a word puts in and that must be set for it: `$x`, `${x}`, not `${x:-1}`. */
export function plainVariables(word: string): string[] {
  const live = word.replace(/\\.|'[^']*'/gs, '');
  return [...live.matchAll(/\$(?:\{(\w+)\}|([a-zA-Z_]\w*))/g)].map(
    ([, braced, bare]) => braced ?? bare ?? '',
  );
}

/** The variables that a stage begins with; not whole where its base image is not known. */
function environmentOf(
  { dockerfile, images }: Subject,
  stage: Stage,
  known: readonly (Set<string> | undefined)[],
): { readonly names: Iterable<string> | undefined; readonly isWhole: boolean } {
  const earlier = dockerfile.stages.slice(0, known.length);
  const index = earlier.findLastIndex(({ name }) => name === stage.base.toLowerCase());
  if (index >= 0) return { names: known[index], isWhole: known[index] !== undefined };
  if (stage.base === 'scratch') return { names: ['PATH'], isWhole: true };
  const config = images.get(stage.base);
  const names = config?.config.Env?.map((entry) => entry.split('=', 1)[0] ?? '');
  return { names: ['PATH', ...(names ?? [])], isWhole: config !== undefined };
}

/** Without the base's variables only what looks like a mistyped name is called undefined. */
function* undefinedIn(
  instruction: Instruction,
  names: ReadonlySet<string>,
  isWhole: boolean,
): Generator<Finding> {
  const used = new Set(wordsOf(instruction).flatMap(plainVariables));
  for (const name of used) {
    if (names.has(name)) continue;
    const ours = [...names].filter((one) => isWhole || !ALWAYS.has(one));
    const meant = suggest(name, ours);
    if (!isWhole && meant === undefined) continue;
    const instead = meant === undefined ? '' : ` (did you mean $${meant}?)`;
    const message = `Usage of undefined variable '$${name}'${instead}`;
    yield finding('UndefinedVar', instruction.place, message);
  }
}

function* secretsIn(instruction: Instruction): Generator<Finding> {
  if (instruction.kind !== 'arg' && instruction.kind !== 'env') return;
  const keyword = instruction.kind.toUpperCase();
  for (const name of namesOf(instruction))
    if (SECRET.test(name) && !PUBLIC.test(name))
      yield finding(
        ...(['SecretsUsedInArgOrEnv', instruction.place] as const),
        `Do not use ARG or ENV instructions for sensitive data (${keyword} "${name}")`,
      );
}

function namesOf(instruction: Instruction): string[] {
  if (instruction.kind === 'arg') return instruction.args.map(({ name }) => name);
  return instruction.kind === 'env' ? instruction.pairs.map(([name]) => name) : [];
}

/** The words in which an instruction has its variables put in. */
function wordsOf(instruction: Instruction): readonly string[] {
  switch (instruction.kind) {
    case 'copy': {
      const { sources, target, chown = '', chmod = '' } = instruction;
      return [...sources, target, chown, chmod];
    }
    case 'workdir':
      return [instruction.path];
    case 'env':
    case 'label':
      return instruction.pairs.flat();
    case 'arg':
      return instruction.args.map(({ value }) => value ?? '');
    case 'user':
    case 'stopsignal':
      return [instruction.value];
    case 'expose':
    case 'volume':
      return instruction.words;
    default:
      return [];
  }
}
