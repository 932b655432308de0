import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HostEntry } from '../../build/index.ts';
import type { Rlimit } from '../../linux/rlimits.ts';
import { addHost, addUlimit } from '../container-flags.ts';
import { bytes, many } from '../flags.ts';

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

export function withBuildFlags(command: Command): Command {
  return withIgnoredFlags(command)
    .description('Build an image from a Dockerfile')
    .argument(
      '<path>',
      'the build context: a directory, an archive, a URL of one or of git, or - for standard input',
    )
    .option('-t, --tag <name>', 'name the image', many, [])
    .option('-f, --file <path>', 'the Dockerfile, if it is not PATH/Dockerfile')
    .option('--target <stage>', 'build up to this stage')
    .option('--build-arg <name=value>', 'set an ARG', many, [])
    .option('--build-context <name=path>', 'a further context, or an image', many, [])
    .option('--label <name=value>', 'set a label', many, [])
    .option('--annotation <key=value>', "set an annotation of the image's manifest", many, [])
    .option('--secret <id=…,src=…>', 'give RUN a file or variable, out of all layers', many, [])
    .option('--ssh <id[=socket|key,…]>', 'give RUN an SSH agent, or one with these keys', many, [])
    .option('--allow <right>', 'allow RUN security.insecure or network.host', many, [])
    .addOption(
      new Option('--network <mode>', 'the network of RUN; default is bridge')
        .choices(['default', 'bridge', 'host', 'none'])
        .default('default'),
    )
    .option(
      '--add-host <name:ip>',
      "a line of RUN's /etc/hosts; the IP may be host-gateway",
      addHost,
    )
    .option('--shm-size <bytes>', "the size of RUN's /dev/shm, such as 128m", bytes)
    .option('--ulimit <type=soft[:hard]>', 'a limit of RUN, such as nofile=1024:4096', addUlimit)
    .option('--pull', 'ask the registry for newer base images', false)
    .option('--platform <os/arch>', 'the platform of the image, if it is not for this machine')
    .option('--no-cache', 'use nothing of an earlier build')
    .option('--cache-from <source>', 'type=local|registry,…: what others have built', many, [])
    .option('--cache-to <target>', 'type=inline|local|registry,…: for others', many, [])
    .addOption(
      new Option('--no-cache-filter <stages>', 'use nothing of an earlier build for these stages')
        // Commander takes it for the opposite of a switch that is on.
        .argParser((value, before: unknown) => many(value, Array.isArray(before) ? before : [])),
    )
    .addOption(
      new Option('--progress <kind>', 'how to show what happens')
        .choices(PROGRESS)
        .default(ownProgress()),
    )
    .option('-q, --quiet', 'print only the image ID', false)
    .option('--debug', 'where a RUN fails, open a shell in that very state', false)
    .option('-i, --interactive', 'let that shell read standard input if it is no terminal', false)
    .option('--check', 'only check the Dockerfile, and build nothing', false)
    .option('--explain', 'say what is cached and why the rest is not; build nothing', false)
    .option('--json', 'the explanation as JSON', false)
    .option(
      '-o, --output <dest>',
      'type=local|tar|oci|docker|image,dest=PATH, or a directory',
      many,
      [],
    )
    .addOption(unattested('--provenance [value]'))
    .addOption(unattested('--sbom [value]'))
    .option('--push', 'push the image to its registry', false)
    .option('--iidfile <file>', 'write the image ID to a file')
    .option('--metadata-file <file>', 'write the digests and what each step did to a file, as JSON')
    .option('--load', 'keep the image here, too, where -o says otherwise', false);
}

/** What docker's builder of before BuildKit knew, and buildx takes without a word. */
function withIgnoredFlags(command: Command): Command {
  const flags = [
    ...['--rm', '--no-rm', '--force-rm', '--compress', '-m, --memory <bytes>'],
    ...['--memory-swap <bytes>', '-c, --cpu-shares <weight>', '--cpu-period <us>'],
    ...['--cpu-quota <us>', '--cpuset-cpus <list>', '--cpuset-mems <list>'],
    ...['--isolation <kind>', '--security-opt <option>', '--disable-content-trust'],
  ];
  for (const one of flags) command.addOption(new Option(one).hideHelp());
  return command;
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

/** cloche makes no attestations: that none are wanted is all that can be said. */
function unattested(flags: string): Option {
  return new Option(flags, 'false, since cloche makes no attestations')
    .hideHelp()
    .argParser((value) => {
      if (value !== 'false')
        throw new InvalidArgumentError('cloche makes no attestations; only false is possible.');
      return value;
    });
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
