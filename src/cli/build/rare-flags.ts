import { type Command, InvalidArgumentError, Option } from 'commander';
import { addHost, addUlimit } from '../container-flags.ts';
import { bytes, many } from '../flags.ts';

/** The flags of `build` that few use. What is there without them says `NOTHING`. */
export function withRareFlags(command: Command): Command {
  return withIgnored(withCaches(withOutputs(withOurs(withRuns(withAbout(command))))));
}

function withAbout(command: Command): Command {
  return command
    .option('--build-context <name=path>', 'a further context, or an image', many)
    .option('--label <name=value>', 'set a label', many)
    .option('--annotation <key=value>', "set an annotation of the image's manifest", many)
    .option('--pull', 'ask the registry for newer base images')
    .option('--platform <os/arch>', 'the platform of the image, if it is not for this machine');
}

function withRuns(command: Command): Command {
  return command
    .option('--secret <id=…,src=…>', 'give RUN a file or variable, out of all layers', many)
    .option('--ssh <id[=socket|key,…]>', 'give RUN an SSH agent, or one with these keys', many)
    .option('--allow <right>', 'allow RUN security.insecure or network.host', many)
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
    .option('--ulimit <type=soft[:hard]>', 'a limit of RUN, such as nofile=1024:4096', addUlimit);
}

function withCaches(command: Command): Command {
  return command
    .option('--cache-from <source>', 'type=local|registry,…: what others have built', many)
    .option('--cache-to <target>', 'type=inline|local|registry,…: for others', many)
    .addOption(
      new Option('--no-cache-filter <stages>', 'use nothing of an earlier build for these stages')
        // Commander takes it for the opposite of a switch that is on.
        .argParser((value, before: unknown) => many(value, Array.isArray(before) ? before : [])),
    );
}

function withOurs(command: Command): Command {
  return command
    .option('--debug', 'where a RUN fails, open a shell in that very state')
    .option('-i, --interactive', 'let that shell read standard input if it is no terminal')
    .option('--check', 'only check the Dockerfile, and build nothing')
    .option('--explain', 'say what is cached and why the rest is not; build nothing')
    .option('--json', 'the explanation as JSON');
}

function withOutputs(command: Command): Command {
  return command
    .option(
      '-o, --output <dest>',
      'type=local|tar|oci|docker|image,dest=PATH, or a directory',
      many,
    )
    .addOption(unattested('--provenance [value]'))
    .addOption(unattested('--sbom [value]'))
    .option('--push', 'push the image to its registry')
    .option('--iidfile <file>', 'write the image ID to a file')
    .option('--metadata-file <file>', 'write the digests and what each step did to a file, as JSON')
    .option('--load', 'keep the image here, too, where -o says otherwise');
}

/** What docker's builder of before BuildKit knew, and buildx takes without a word. */
function withIgnored(command: Command): Command {
  const flags = [
    ...['--rm', '--no-rm', '--force-rm', '--compress', '-m, --memory <bytes>'],
    ...['--memory-swap <bytes>', '-c, --cpu-shares <weight>', '--cpu-period <us>'],
    ...['--cpu-quota <us>', '--cpuset-cpus <list>', '--cpuset-mems <list>'],
    ...['--isolation <kind>', '--security-opt <option>', '--disable-content-trust'],
  ];
  for (const one of flags) command.addOption(new Option(one).hideHelp());
  return command;
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
