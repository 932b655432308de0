import { Command } from 'commander';
import {
  type BuildOptions,
  type Explained,
  explainBuild,
  keepsGitDir,
  readCacheFrom,
  readCacheTo,
  readSecrets,
  withAgents,
  withContext,
  withNamedContexts,
} from '../../build/index.ts';
import { runCommandOf } from '../../engine/build/index.ts';
import { type Engine, openEngine } from '../../engine/engine.ts';
import { parsePlatform } from '../../image/registry/platform.ts';
import { printChecked } from '../check.ts';
import { interruptible } from '../interrupt.ts';
import { print } from '../print.ts';
import { wordsOf } from '../usual-flags.ts';
import { buildTo } from './deliver.ts';
import {
  type BuildFlags,
  buildArgsOf,
  isQuiet,
  labelsOf,
  NOTHING,
  ownEpoch,
  surroundingsOf,
  withBuildFlags,
} from './flags.ts';
import { buildPrinter } from './printer.ts';
import { buildShell, withDebugHint } from './shell.ts';

/** `cloche build`: an image from a Dockerfile. */
export async function buildCommand(): Promise<Command> {
  const command = await withBuildFlags(new Command('build'), wordsOf('build'));
  return command.action((context: string, given: Partial<BuildFlags>) => {
    const flags: BuildFlags = { ...NOTHING, ...(given as BuildFlags) };
    return interruptible('the build', (signal) => build(context, flags, signal));
  });
}

async function build(said: string, flags: BuildFlags, signal: AbortSignal): Promise<void> {
  const engine = openEngine();
  const place = { context: said, file: flags.file };
  const about = { stdin: Bun.stdin.stream(), signal };
  const { store } = engine;
  const keepGitDir = keepsGitDir(buildArgsOf(flags.buildArg));
  await withContext(store, place, { ...about, keepGitDir }, (found) =>
    withNamedContexts(store, flags.buildContext, about, (contexts) =>
      withAgents(store, flags.ssh, (agents) => {
        const secrets = { files: readSecrets(flags.secret), agents };
        return buildFrom(engine, { ...found, contexts, secrets }, flags, signal);
      }),
    ),
  );
}

async function buildFrom(
  engine: Engine,
  given: Pick<BuildOptions, 'context' | 'file' | 'fileName' | 'contexts' | 'secrets'>,
  flags: BuildFlags,
  signal: AbortSignal,
): Promise<void> {
  const filter = Array.isArray(flags.cacheFilter) ? flags.cacheFilter : [];
  const options: BuildOptions = {
    ...{ ...given, signal, tags: flags.tag, target: flags.target },
    buildArgs: { ...ownEpoch(), ...buildArgsOf(flags.buildArg) },
    platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    labels: labelsOf(flags.label),
    allow: flags.allow,
    network: flags.network === 'default' ? 'bridge' : flags.network,
    surroundings: surroundingsOf(flags),
    pull: flags.pull,
    noCache: !flags.cache,
    cacheFrom: flags.cacheFrom.map(readCacheFrom),
    cacheTo: flags.cacheTo.map(readCacheTo),
    noCacheFilter: filter.flatMap((names) => names.split(',')),
    run: runCommandOf(engine),
  };
  if (flags.check) {
    const { checkDockerfile } = await import('../../build/check.ts');
    const checked = await checkDockerfile(engine.store, options);
    return printChecked(checked, flags.progress);
  }
  if (flags.explain) return await printExplained(await explainBuild(engine.store, options), flags);
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

async function printExplained(all: readonly Explained[], { json }: BuildFlags): Promise<void> {
  const { explainedText } = await import('../../build/explain/explain.ts');
  print(json ? `${JSON.stringify(all, undefined, 2)}\n` : explainedText(all));
}
