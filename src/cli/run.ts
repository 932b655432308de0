import { Command, Option } from 'commander';
import type { HostEntry } from '../build/index.ts';
import {
  abandonContainer,
  createContainer,
  exitCodeFor,
  openEngine,
  type PortSpec,
  type RunOptions,
  releaseContainer,
  settleAll,
  startContainer,
} from '../engine/index.ts';
import type { Platform, PullPolicy } from '../image/index.ts';
import type { Rlimit } from '../linux/rlimits.ts';
import { attached, running } from './attached.ts';
import { addHost, addUlimit, exposed, ports } from './container-flags.ts';
import { bytes, many, positive, whole } from './flags.ts';
import { printError, printLeftover, printWarnings } from './output.ts';
import { print } from './print.ts';
import { imageProgress } from './progress.ts';
import { requireTerminal, terminalSize } from './terminal.ts';

/** `cloche run`: create a container and start it, in docker's words. */
export function runCommand(): Command {
  return new Command('run')
    .description('Create and run a new container from an image')
    .argument('<image>')
    .argument('[command...]')
    .passThroughOptions()
    .option('-d, --detach', 'run in the background and print the container ID', false)
    .option('-e, --env <entry>', 'set an environment variable', many, [])
    .option('--entrypoint <program>', "replace the image's entrypoint")
    .option('--hostname <name>', "the container's host name")
    .option('-i, --interactive', 'keep STDIN open', false)
    .option('-m, --memory <bytes>', 'memory limit, such as 80m', bytes)
    .option('--cpus <number>', 'number of CPUs, such as 0.5', positive)
    .option('--pids-limit <number>', 'how many processes it may have (-1 for no limit)', whole)
    .option('--cap-add <capability>', 'add a capability', many, [])
    .option('--cap-drop <capability>', 'drop a capability', many, [])
    .option('--add-host <name:ip>', 'a line of /etc/hosts; the IP may be host-gateway', addHost)
    .option('--shm-size <bytes>', 'the size of /dev/shm, such as 128m', bytes)
    .option('--ulimit <type=soft[:hard]>', 'a limit, such as nofile=1024:4096', addUlimit)
    .option('--name <name>', 'assign a name')
    .addOption(
      new Option('--network <mode>', 'connect to a network')
        .choices(['bridge', 'host', 'none'])
        .default('bridge'),
    )
    .option('-p, --publish <ports>', '[[ip:]hostPort:]containerPort[/protocol]', ports, [])
    .option('-P, --publish-all', 'publish all exposed ports to any that are free', false)
    .option('--expose <port>', 'a port that it listens on', exposed, [])
    .option('--platform <os/arch>', 'an image of another platform than this machine')
    .option('--privileged', 'give extended privileges', false)
    .addOption(
      new Option('--pull <when>', 'ask the registry')
        .choices(['always', 'missing', 'never'])
        .default('missing'),
    )
    .option('--rm', 'remove the container when it exits', false)
    .option('-t, --tty', 'allocate a pseudo-TTY', false)
    .option('-u, --user <user>', 'user or UID, and :group or GID')
    .option(
      '-v, --volume <volume>',
      'mount a volume or a directory: [source:]target[:ro]',
      many,
      [],
    )
    .option('-w, --workdir <directory>', 'working directory inside')
    .option('--explain', 'print the system calls that would make it, with their reasons', false)
    .option('--step', 'go through its birth call by call', false)
    .option('--json', 'print the explanation as JSON', false)
    .action(async (image: string, command: string[], flags: Flags) => {
      try {
        process.exitCode = await run(optionsOf(image, command, flags), flags);
      } catch (error) {
        printError(error);
        process.exitCode = exitCodeFor(error);
      }
    });
}

/** `cloche create`: as `run`, without the start; what `run` says of that is accepted and waits. */
export function createCommand(): Command {
  return runCommand()
    .name('create')
    .description('Create a new container')
    .action(async (image: string, command: string[], flags: Flags) => {
      const engine = openEngine();
      await settleAll(engine);
      const progress = imageProgress();
      const wanted = { pull: flags.pull, platform: await platformOf(flags) };
      const options = optionsOf(image, command, flags);
      const container = await createContainer(engine, options, { ...progress, ...wanted });
      progress.end();
      releaseContainer(engine, container);
      print(`${container.id}\n`);
    });
}

interface Flags extends Pick<RunOptions, 'interactive' | 'tty' | 'detach' | 'privileged'> {
  readonly env: string[];
  readonly entrypoint?: string;
  readonly hostname?: string;
  readonly memory?: number;
  readonly shmSize?: number;
  readonly cpus?: number;
  readonly pidsLimit?: number;
  readonly capAdd: string[];
  readonly capDrop: string[];
  readonly addHost?: HostEntry[];
  readonly ulimit?: Rlimit[];
  readonly name?: string;
  readonly network: RunOptions['network'];
  readonly publish: readonly PortSpec[];
  readonly publishAll: boolean;
  readonly expose: readonly string[];
  readonly platform?: string;
  readonly pull: PullPolicy;
  readonly rm: boolean;
  readonly user?: string;
  readonly volume: string[];
  readonly workdir?: string;
  readonly explain: boolean;
  readonly step: boolean;
  readonly json: boolean;
}

function optionsOf(image: string, command: string[], flags: Flags): RunOptions {
  return {
    ...flags,
    image,
    command,
    entrypoint: flags.entrypoint === undefined ? undefined : [flags.entrypoint],
    remove: flags.rm,
    volumes: flags.volume,
    hosts: flags.addHost,
    ulimits: flags.ulimit,
    pidsLimit: (flags.pidsLimit ?? 0) > 0 ? flags.pidsLimit : undefined,
  };
}

async function run(options: RunOptions, flags: Flags): Promise<number> {
  if (options.tty && !options.detach && !flags.explain) requireTerminal();
  const engine = openEngine();
  await settleAll(engine);
  const progress = imageProgress();
  const wanted = { pull: flags.pull, platform: await platformOf(flags) };
  const container = await createContainer(engine, options, { ...progress, ...wanted });
  progress.end();
  if (flags.explain) {
    const { printPlan } = await import('./explain.ts');
    try {
      return await printPlan(engine, container, {
        json: flags.json,
        terminalSize: options.tty ? terminalSize() : undefined,
      });
    } finally {
      await abandonContainer(engine, container);
    }
  }
  const started = await startContainer(engine, container, {
    terminalSize: options.tty ? terminalSize() : undefined,
    step: flags.step,
    onLeftover: printLeftover,
  });
  printWarnings(started.warnings);
  if (flags.step) {
    const { stepThrough } = await import('./step.ts');
    await stepThrough(started);
  }
  if (!options.detach) return await attached(started, options);
  await running(started);
  print(`${container.id}\n`);
  return 0;
}

async function platformOf({ platform }: Flags): Promise<Platform | undefined> {
  if (platform === undefined) return undefined;
  const { parsePlatform } = await import('../image/registry/platform.ts');
  return parsePlatform(platform);
}
