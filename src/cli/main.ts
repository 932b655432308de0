import { Command, CommanderError } from 'commander';
import { printError } from './output.ts';

/**
 * The command line. One file a command, and only the one that is asked for is loaded, since
 * `cloche run` shall start in a few milliseconds.
 */
const COMMANDS: Record<string, () => Promise<Command>> = {
  run: async () => (await import('./run.ts')).runCommand(),
  exec: async () => (await import('./exec.ts')).execCommand(),
  ps: async () => (await import('./ps.ts')).psCommand(),
  kill: async () => (await import('./kill.ts')).killCommand(),
  rm: async () => (await import('./rm.ts')).rmCommand(),
  build: async () => (await import('./build.ts')).buildCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  learn: async () => (await import('./learn.ts')).learnCommand(),
  oci: async () => (await import('./oci/index.ts')).ociCommand(),
  images: async () => (await import('./images.ts')).imagesCommand(),
};

async function main(args: readonly string[]): Promise<void> {
  const program = new Command('cloche')
    .description(
      'Containers under glass: made by hand, on your own kernel, and you see what it did.',
    )
    .version('0.1.0', '-v, --version')
    .enablePositionalOptions()
    .exitOverride();
  const wanted = COMMANDS[args.find((arg) => !arg.startsWith('-')) ?? ''];
  const loaders = wanted === undefined ? Object.values(COMMANDS) : [wanted];
  for (const load of loaders) program.addCommand((await load()).exitOverride());
  await program.parseAsync(args, { from: 'user' });
}

main(process.argv.slice(2))
  .catch((error: unknown) => {
    // Commander has said on the screen what was wrong; docker's code for that is 125.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 125;
    else process.exitCode = printError(error);
  })
  .finally(() => process.exit());
