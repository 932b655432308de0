import { Command, InvalidArgumentError, Option } from 'commander';
import {
  type BuildOptions,
  type BuiltImage,
  buildFiles,
  buildImage,
  checkDockerfile,
  type Explained,
  explainBuild,
  explainedText,
  filesArchive,
  type HostEntry,
  readCacheFrom,
  readCacheTo,
  readOutput,
  readSecrets,
  withContext,
  withNamedContexts,
  writeFiles,
} from '../build/index.ts';
import { runCommandOf } from '../engine/build-run.ts';
import { type Engine, openEngine, settleAll } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import { ARCHITECTURE, parseReference, type Store, withTag } from '../image/index.ts';
import { writeFileAtomically } from '../image/state/atomic.ts';
import type { Rlimit } from '../linux/rlimits.ts';
import { buildPrinter } from './build-printer.ts';
import { buildShell, withDebugHint } from './build-shell.ts';
import { printWarnings } from './check.ts';
import { addHost, addUlimit } from './container-flags.ts';
import { bytes, many } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { output } from './stream.ts';
import { transferView } from './transfer.ts';

/** `cloche build`: an image from a Dockerfile. */
export function buildCommand(): Command {
  return new Command('build')
    .description('Build an image from a Dockerfile')
    .argument(
      '<path>',
      'the build context: a directory, an archive, a git URL, or - for standard input',
    )
    .option('-t, --tag <name>', 'name the image', many, [])
    .option('-f, --file <path>', 'the Dockerfile, if it is not PATH/Dockerfile')
    .option('--target <stage>', 'build up to this stage')
    .option('--build-arg <name=value>', 'set an ARG', many, [])
    .option('--build-context <name=path>', 'a further context, or an image', many, [])
    .option('--label <name=value>', 'set a label', many, [])
    .option('--secret <id=…,src=…>', 'give RUN a file or variable, out of all layers', many, [])
    .option('--ssh <id[=socket]>', 'give RUN an SSH agent', many, [])
    .option('--allow <right>', 'allow RUN security.insecure or network.host', many, [])
    .option('--network <mode>', 'the network of RUN: bridge, host or none', 'bridge')
    .option(
      '--add-host <name:ip>',
      "a line of RUN's /etc/hosts; the IP may be host-gateway",
      addHost,
    )
    .option('--shm-size <bytes>', "the size of RUN's /dev/shm, such as 128m", bytes)
    .option('--ulimit <type=soft[:hard]>', 'a limit of RUN, such as nofile=1024:4096', addUlimit)
    .option('--pull', 'ask the registry for newer base images', false)
    .option('--platform <os/arch>', "the platform of the image: this machine's", ownPlatform)
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
        .choices(['auto', 'plain', 'tty', 'json', 'quiet'])
        .env('BUILDKIT_PROGRESS')
        .default('auto'),
    )
    .option('-q, --quiet', 'print only the image ID', false)
    .option('--debug', 'where a RUN fails, open a shell in that very state', false)
    .option('-i, --interactive', 'let that shell read standard input if it is no terminal', false)
    .option('--check', 'only check the Dockerfile, and build nothing', false)
    .option('--explain', 'say what is cached and why the rest is not; build nothing', false)
    .option('--json', 'the explanation as JSON', false)
    .option('-o, --output <dest>', 'type=local|tar|oci|docker|image,dest=PATH, or a directory')
    .option('--push', 'push the image to its registry', false)
    .option('--iidfile <file>', 'write the image ID to a file')
    .option('--metadata-file <file>', 'write the digests and what each step did to a file, as JSON')
    .addOption(new Option('--load', 'what cloche always does').hideHelp())
    .action((context: string, flags: Flags) =>
      interruptible('the build', (signal) => build(context, flags, signal)),
    );
}

interface Flags {
  readonly tag: string[];
  readonly file?: string;
  readonly target?: string;
  readonly buildArg: string[];
  readonly buildContext: string[];
  readonly label: string[];
  readonly secret: string[];
  readonly ssh: string[];
  readonly allow: string[];
  readonly network: string;
  readonly addHost?: HostEntry[];
  readonly shmSize?: number;
  readonly ulimit?: Rlimit[];
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
  readonly output?: string;
  readonly push: boolean;
  readonly iidfile?: string;
  readonly metadataFile?: string;
}

async function build(said: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const engine = openEngine();
  await settleAll(engine);
  const place = { context: said, file: flags.file };
  const about = { stdin: Bun.stdin.stream(), signal };
  const { store } = engine;
  await withContext(store, place, about, (found) =>
    withNamedContexts(store, flags.buildContext, about, (contexts) =>
      buildFrom(engine, { ...found, contexts }, flags, signal),
    ),
  );
}

async function buildFrom(
  engine: Engine,
  { context, file, contexts }: Pick<BuildOptions, 'context' | 'file' | 'contexts'>,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  if (flags.check) {
    const about = { context, file, buildArgs: pairs(flags.buildArg) };
    return printWarnings(await checkDockerfile(about), flags.progress);
  }
  const filter = Array.isArray(flags.cacheFilter) ? flags.cacheFilter : [];
  const options: BuildOptions = {
    ...{ context, signal, file, contexts, tags: flags.tag, target: flags.target },
    buildArgs: { ...ownEpoch(), ...pairs(flags.buildArg) },
    labels: pairs(flags.label),
    secrets: readSecrets(flags.secret, flags.ssh),
    allow: flags.allow,
    network: flags.network,
    surroundings: surroundingsOf(flags),
    pull: flags.pull,
    noCache: !flags.cache,
    cacheFrom: flags.cacheFrom.map(readCacheFrom),
    cacheTo: flags.cacheTo.map(readCacheTo),
    noCacheFilter: filter.flatMap((names) => names.split(',')),
    run: runCommandOf(engine),
  };
  if (flags.explain) return printExplained(await explainBuild(engine.store, options), flags);
  const printer = buildPrinter(isQuiet(flags) ? 'quiet' : flags.progress);
  const shell = flags.debug ? buildShell(printer, flags.interactive) : undefined;
  const run = runCommandOf(engine, shell);
  try {
    await buildTo(engine.store, { ...options, run, onEvent: printer.onEvent }, flags, signal);
  } catch (error) {
    throw flags.debug ? error : withDebugHint(error);
  } finally {
    printer.end();
  }
}

async function buildTo(
  store: Store,
  options: BuildOptions,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { output: to, name } = readOutput(flags.output ?? 'type=image');
  const tags = [...flags.tag, ...(name === undefined ? [] : name.split(','))];
  requireName(flags.push || (to.type === 'image' && to.push), tags);
  if (to.type === 'local' || to.type === 'tar') {
    await buildFiles(store, options, (chain) =>
      to.type === 'local'
        ? writeFiles(store, chain, to.dest, signal)
        : output(pathOf(to), filesArchive(store, chain), signal),
    );
    return;
  }
  const image = await buildImage(store, { ...options, tags });
  if (to.type !== 'image') {
    // Loaded when needed: it knows of more forms than a build has to.
    const { saveImages } = await import('../image/archive/index.ts');
    const names = tags.length > 0 ? tags : [image.id];
    await output(pathOf(to), saveImages(store, names, to.type), signal);
  } else if (flags.push || to.push) await pushAll(store, tags, isQuiet(flags), signal);
  report(image, flags);
}

function requireName(isPushed: boolean, tags: readonly string[]): void {
  if (!isPushed || tags.length > 0) return;
  throw new ClocheError('FLAGS_INVALID', 'tag is needed when pushing to registry', {
    class: 'invalid-argument',
    hint: 'say where it goes: -t registry.example/name:tag',
  });
}

/** Names of one repository go together. */
async function pushAll(
  store: Store,
  tags: readonly string[],
  quiet: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { pushImages } = await import('../image/registry/index.ts');
  const names = tags.map((tag) => withTag(parseReference(tag)));
  const repositories = Map.groupBy(names, ({ domain, path }) => `${domain}/${path}`);
  const view = transferView(quiet ? 'quiet' : 'auto', process.stderr);
  try {
    for (const [first, ...others] of repositories.values())
      if (first !== undefined)
        await pushImages(store, [first, ...others], { signal, onEvent: view.show });
  } finally {
    view.end();
  }
}

function pathOf({ dest }: { readonly dest: string }): string | undefined {
  return dest === '-' ? undefined : dest;
}

function report(image: BuiltImage, flags: Flags): void {
  if (flags.iidfile !== undefined) write(flags.iidfile, image.id);
  if (flags.metadataFile !== undefined)
    write(flags.metadataFile, `${JSON.stringify(metadata(image), undefined, 2)}\n`);
  if (isQuiet(flags)) process.stdout.write(`${image.id}\n`);
}

/** Undefined if nothing is asked for, which is what the cache knows from before. */
function surroundingsOf({ addHost: hosts, shmSize, ulimit: ulimits }: Flags) {
  const all = { hosts, shmSize, ulimits };
  return Object.values(all).every((one) => one === undefined) ? undefined : all;
}

function printExplained(all: readonly Explained[], { json }: Flags): void {
  process.stdout.write(json ? `${JSON.stringify(all, undefined, 2)}\n` : explainedText(all));
}

function isQuiet({ quiet, progress }: Flags): boolean {
  return quiet || progress === 'quiet';
}

/** Buildx' keys, and under our own what each step did. */
function metadata({ id, manifest, tags, record }: BuiltImage): Record<string, unknown> {
  return {
    'containerimage.config.digest': id,
    'containerimage.digest': manifest,
    ...(tags.length === 0 ? {} : { 'image.name': tags.join(',') }),
    'cloche.build': record,
  };
}

function write(path: string, content: string): void {
  writeFileAtomically(path, Buffer.from(content), `${path}.${process.pid}.part`);
}

/** @throws {ClocheError} `PLATFORM_UNSUPPORTED`: its programs could not be run here. */
function ownPlatform(text: string): string {
  if (text === `linux/${ARCHITECTURE}` || text === ARCHITECTURE) return text;
  throw new ClocheError(
    'PLATFORM_UNSUPPORTED',
    `cannot build for '${text}' on linux/${ARCHITECTURE}`,
    {
      class: 'invalid-argument',
      hint: 'Build on a machine of that architecture, and push from there.',
    },
  );
}

/** As buildx: what our environment says of the epoch is a build argument. */
function ownEpoch(): Record<string, string> {
  const { SOURCE_DATE_EPOCH = '' } = process.env;
  return SOURCE_DATE_EPOCH === '' ? {} : { SOURCE_DATE_EPOCH };
}

/** `NAME=value`, or `NAME` for our own variable's value. */
function pairs(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      if (at === 0) throw new InvalidArgumentError(`'${entry}' has no name`);
      return at > 0 ? [entry.slice(0, at), entry.slice(at + 1)] : [entry, process.env[entry] ?? ''];
    }),
  );
}
