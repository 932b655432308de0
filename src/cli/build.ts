import { Command, InvalidArgumentError } from 'commander';
import { type BuildEvent, buildImage, plainPrinter } from '../build/index.ts';
import { openEngine, runCommandOf, settleAll } from '../engine/index.ts';
import { many } from './flags.ts';

/** `cloche build`: an image from a Dockerfile. */
export function buildCommand(): Command {
  return new Command('build')
    .description('Build an image from a Dockerfile')
    .argument('<path>', 'the build context: a directory')
    .option('-t, --tag <name>', 'name the image', many, [])
    .option('-f, --file <path>', 'the Dockerfile, if it is not PATH/Dockerfile')
    .option('--target <stage>', 'build up to this stage')
    .option('--build-arg <name=value>', 'set an ARG', many, [])
    .option('--label <name=value>', 'set a label', many, [])
    .option('--network <mode>', 'the network of RUN: bridge, host or none', 'bridge')
    .option('--no-cache', 'use nothing of an earlier build')
    .option('--progress <kind>', 'plain or json', 'plain')
    .option('-q, --quiet', 'print only the image ID', false)
    .action(async (context: string, flags: Flags) => {
      const engine = openEngine();
      await settleAll(engine);
      const cancel = new AbortController();
      const stop = () => cancel.abort(new Error('the build was interrupted'));
      process.once('SIGINT', stop);
      process.once('SIGTERM', stop);
      const image = await buildImage(engine.store, {
        context,
        file: flags.file,
        tags: flags.tag,
        target: flags.target,
        buildArgs: pairs(flags.buildArg),
        labels: pairs(flags.label),
        network: flags.network,
        noCache: !flags.cache,
        run: runCommandOf(engine),
        onEvent: printer(flags),
        signal: cancel.signal,
      });
      if (flags.quiet) process.stdout.write(`${image.id}\n`);
    });
}

interface Flags {
  readonly tag: string[];
  readonly file?: string;
  readonly target?: string;
  readonly buildArg: string[];
  readonly label: string[];
  readonly network: string;
  readonly cache: boolean;
  readonly progress: string;
  readonly quiet: boolean;
}

function printer(flags: Flags): (event: BuildEvent) => void {
  if (flags.quiet) return () => undefined;
  if (flags.progress === 'json')
    return (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
  return plainPrinter((line) => process.stderr.write(`${line}\n`));
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
