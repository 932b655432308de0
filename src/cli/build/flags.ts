import { type Command, InvalidArgumentError } from 'commander';
import type { HostEntry } from '../../build/index.ts';
import type { Rlimit } from '../../linux/rlimits.ts';
import { many } from '../flags.ts';
import { type Flag, read, saidAmong, withFlags } from '../usual-flags.ts';

/** What `build` can be told, in docker's and buildx' words. */
export interface BuildFlags {
  readonly tag: string[];
  readonly file?: string;
  readonly target?: string;
  readonly buildArg: string[];
  readonly buildContext: string[];
  readonly label: string[];
  readonly annotation: string[];
  readonly secret: string[];
  readonly ssh: string[];
  readonly allow: string[];
  readonly network: string;
  readonly addHost?: HostEntry[];
  readonly shmSize?: number;
  readonly ulimit?: Rlimit[];
  readonly platform?: string;
  readonly pull: boolean;
  readonly cache: boolean;
  readonly cacheFrom: string[];
  readonly cacheTo: string[];
  readonly cacheFilter?: string[] | true;
  readonly progress: string;
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly interactive: boolean;
  readonly check: boolean;
  readonly explain: boolean;
  readonly json: boolean;
  readonly output: string[];
  readonly push: boolean;
  readonly load: boolean;
  readonly iidfile?: string;
  readonly metadataFile?: string;
}

const PROGRESS: readonly string[] = ['auto', 'plain', 'tty', 'json', 'rawjson', 'quiet'];

/** What our environment says; what we do not know there shall not keep anybody from building. */
function ownProgress(): string {
  const { BUILDKIT_PROGRESS: said = '' } = process.env;
  return PROGRESS.includes(said) ? said : 'auto';
}

/** What is there where a flag is not given. */
export const NOTHING = {
  ...{ tag: [], buildArg: [], cache: true, progress: ownProgress(), quiet: false },
  ...{ allow: [], annotation: [], buildContext: [], cacheFrom: [], cacheTo: [], check: false },
  ...{ debug: false, explain: false, interactive: false, json: false, label: [], load: false },
  ...{ network: 'default', output: [], pull: false, push: false, secret: [], ssh: [] },
} satisfies Partial<BuildFlags>;

/** The flags that most have need of; the others are in `rare-flags.ts`. */
const USUAL: readonly Flag[] = [
  ['-t, --tag <name>', 'name the image', read(many)],
  ['-f, --file <path>', 'the Dockerfile, if it is not PATH/Dockerfile'],
  ['--target <stage>', 'build up to this stage'],
  ['--build-arg <name=value>', 'set an ARG', read(many)],
  ['--no-cache', 'use nothing of an earlier build'],
  [
    '--progress <kind>',
    'how to show what happens',
    (option) => option.choices(PROGRESS).default(ownProgress()),
  ],
  ['-q, --quiet', 'print only the image ID'],
];

/** Docker's flags, and our own, of which those are there that are said. */
export async function withBuildFlags(command: Command, words: readonly string[]): Promise<Command> {
  command
    .description('Build an image from a Dockerfile')
    .argument(
      '<path>',
      'the build context: a directory, an archive, a URL of one or of git, or - for standard input',
    );
  const said = saidAmong(USUAL, words);
  if (said !== undefined) return withFlags(command, said);
  return (await import('./rare-flags.ts')).withRareFlags(withFlags(command, USUAL));
}

/** Undefined if nothing is asked for, which is what the cache knows from before. */
export function surroundingsOf({ addHost: hosts, shmSize, ulimit: ulimits }: BuildFlags) {
  const all = { hosts, shmSize, ulimits };
  return Object.values(all).every((one) => one === undefined) ? undefined : all;
}

/** As buildx: what our environment says of the epoch is a build argument. */
export function ownEpoch(): Record<string, string> {
  const { SOURCE_DATE_EPOCH = '' } = process.env;
  return SOURCE_DATE_EPOCH === '' ? {} : { SOURCE_DATE_EPOCH };
}

/** `NAME=value`, or `NAME` for our own variable's value; what is not set there is not given. As buildx. */
export function buildArgsOf(entries: readonly string[]): Record<string, string> {
  const own = (name: string) => (Object.hasOwn(process.env, name) ? process.env[name] : undefined);
  const all = entries.map(pair).map(([name, value]) => [name, value ?? own(name)] as const);
  return Object.fromEntries(
    all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** `key=value`, or `manifest:key=value`: there is no index that could have any. */
export function annotationsOf(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [, level, rest = entry] = /^((?:manifest|index)[^:=]*):(.*)$/s.exec(entry) ?? [];
      if (level !== undefined && level !== 'manifest')
        throw new InvalidArgumentError(`'${level}' has no annotations; the manifest has.`);
      const [name, value] = pair(rest);
      if (value === undefined) throw new InvalidArgumentError(`'${entry}' has no value`);
      return [name, value];
    }),
  );
}

/** `KEY=value`, or `KEY` for an empty one. */
export function labelsOf(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(entries.map(pair).map(([name, value]) => [name, value ?? '']));
}

function pair(entry: string): readonly [name: string, value: string | undefined] {
  const at = entry.indexOf('=');
  if (at === 0) throw new InvalidArgumentError(`'${entry}' has no name`);
  return at > 0 ? [entry.slice(0, at), entry.slice(at + 1)] : [entry, undefined];
}

export function isQuiet({ quiet, progress }: BuildFlags): boolean {
  return quiet || progress === 'quiet';
}
