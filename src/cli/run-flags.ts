import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HostEntry } from '../build/index.ts';
import type { PortSpec, RunOptions } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import type { PullPolicy } from '../image/index.ts';
import type { Rlimit } from '../linux/rlimits.ts';
import { signalNumber } from '../linux/signals.ts';
import {
  addHost,
  addMount,
  addUlimit,
  addVolume,
  exposed,
  pair,
  ports,
  security,
} from './container-flags.ts';
import { entriesOf } from './entries.ts';
import { bytes, many, positive, whole } from './flags.ts';

/** What `run` and `create` are given, as commander gives it. */
export interface RunFlags
  extends Pick<RunOptions, 'init' | 'interactive' | 'tty' | 'detach' | 'privileged'> {
  readonly addHost?: HostEntry[];
  readonly capAdd: string[];
  readonly capDrop: string[];
  readonly cidfile?: string;
  readonly cpus?: number;
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly device: string[];
  readonly cgroupns?: RunOptions['cgroupnsMode'];
  readonly dns: string[];
  readonly dnsOpt?: string[];
  readonly dnsOption: string[];
  readonly dnsSearch: string[];
  readonly domainname?: string;
  readonly entrypoint?: string;
  readonly env: string[];
  readonly envFile: string[];
  readonly explain: boolean;
  readonly expose: readonly string[];
  readonly groupAdd: string[];
  readonly hostname?: string;
  readonly json: boolean;
  readonly ipc?: RunOptions['ipcMode'];
  readonly labelFile: string[];
  readonly link: string[];
  readonly pid?: RunOptions['pidMode'];
  readonly quiet: boolean;
  readonly sigProxy: boolean;
  readonly uts?: RunOptions['utsMode'];
  readonly volumesFrom: string[];
  readonly label: Readonly<Record<string, string>>;
  readonly memory?: number;
  readonly memoryReservation?: number;
  readonly memorySwap?: number;
  readonly mount?: { readonly volumes: readonly string[]; readonly tmpfs: readonly string[] };
  readonly name?: string;
  readonly net?: RunOptions['network'];
  readonly network: RunOptions['network'];
  readonly oomScoreAdj?: number;
  readonly pidsLimit?: number;
  readonly platform?: string;
  readonly publish: readonly PortSpec[];
  readonly publishAll: boolean;
  readonly pull: PullPolicy;
  readonly readOnly: boolean;
  readonly rm: boolean;
  readonly securityOpt?: Pick<RunOptions, 'noNewPrivileges' | 'unconfined'>;
  readonly shmSize?: number;
  readonly step: boolean;
  readonly stopSignal?: string;
  readonly stopTimeout?: number;
  readonly sysctl: Readonly<Record<string, string>>;
  readonly tmpfs: string[];
  readonly ulimit?: Rlimit[];
  readonly user?: string;
  readonly volume: string[];
  readonly workdir?: string;
}

const NETWORKS = ['bridge', 'host', 'none'];

/** Docker's flags, as far as we have what they are about. */
export function withRunFlags(command: Command): Command {
  return withNamespaces(withLimits(withFiles(withAbout(command))))
    .option('--cap-add <capability>', 'add a capability', many, [])
    .option('--cap-drop <capability>', 'drop a capability', many, [])
    .option('--group-add <group>', 'one more group of the user', many, [])
    .option('--privileged', 'give extended privileges', false)
    .option('--security-opt <option>', 'no-new-privileges, or seccomp=unconfined', security)
    .option('-u, --user <user>', 'user or UID, and :group or GID')
    .option('--add-host <name:ip>', 'a line of /etc/hosts; the IP may be host-gateway', addHost)
    .option('--dns <address>', "a name server, instead of the host's", many, [])
    .option('--dns-option <option>', 'an option of resolv.conf(5)', many, [])
    .addOption(new Option('--dns-opt <option>').argParser(manyOrNone).hideHelp())
    .option('--dns-search <domain>', 'where names are looked for; . for nowhere', many, [])
    .option('--domainname <name>', 'its NIS domain name')
    .option('--expose <port>', 'a port that it listens on', exposed, [])
    .option('-h, --hostname <name>', "the container's host name")
    .addOption(
      new Option('--network <mode>', 'connect to a network').choices(NETWORKS).default('bridge'),
    )
    .addOption(new Option('--net <mode>', 'as --network').choices(NETWORKS).hideHelp())
    .option('--link <name[:alias]>', 'a line of /etc/hosts with its address (deprecated)', many, [])
    .option('-p, --publish <ports>', '[[ip:]hostPort:]containerPort[/protocol]', ports, [])
    .option('-P, --publish-all', 'publish all exposed ports to any that are free', false)
    .option('--sysctl <name=value>', 'a kernel parameter of its namespaces', pair, {})
    .option('--explain', 'print the system calls that would make it, with their reasons', false)
    .option('--step', 'go through its birth call by call', false)
    .option('--json', 'print the explanation as JSON', false);
}

function withAbout(command: Command): Command {
  return command
    .option('--cidfile <file>', 'write its ID into a file')
    .option('-d, --detach', 'run in the background and print the container ID', false)
    .option('-e, --env <entry>', 'set an environment variable', many, [])
    .option('--env-file <file>', 'one KEY=value a line', many, [])
    .option('--entrypoint <program>', "replace the image's entrypoint")
    .option('--init', 'a PID 1 that reaps, and hands on signals', false)
    .option('-i, --interactive', 'keep STDIN open', false)
    .option('-l, --label <key=value>', 'something to know it by', pair, {})
    .option('--label-file <file>', 'one key=value a line', many, [])
    .option('--name <name>', 'assign a name')
    .option('--platform <os/arch>', 'an image of another platform than this machine')
    .addOption(
      new Option('--pull <when>', 'ask the registry')
        .choices(['always', 'missing', 'never'])
        .default('missing'),
    )
    .option('-q, --quiet', 'say nothing of a pull', false)
    .option('--rm', 'remove the container when it exits', false)
    .option('--sig-proxy', 'hand our signals on to it', true)
    .addOption(new Option('--no-sig-proxy').hideHelp())
    .addOption(new Option('--no-healthcheck', 'there are none').hideHelp())
    .option('--stop-signal <signal>', "how it is asked to end; else the image's, or TERM")
    .option('--stop-timeout <seconds>', 'how long it may take then (-1: for ever)', whole)
    .option('-t, --tty', 'allocate a pseudo-TTY', false)
    .option('-w, --workdir <directory>', 'working directory inside');
}

function withFiles(command: Command): Command {
  return command
    .option('--device <device>', 'a device of this machine: /dev/a[:/dev/b[:rwm]]', many, [])
    .option('--mount <mount>', 'type=bind|volume|tmpfs,source=…,target=…[,readonly]', addMount)
    .option('--read-only', 'nothing of the image can be changed', false)
    .option('--shm-size <bytes>', 'the size of /dev/shm, such as 128m', bytes)
    .option('--volumes-from <container>', 'all volumes of another: name[:ro]', many, [])
    .option('--tmpfs <directory>', 'files in memory: /run[:size=64m,mode=755]', many, [])
    .option(
      '-v, --volume <volume>',
      'a volume or a directory: [source:]target[:ro]',
      addVolume,
      [],
    );
}

function withNamespaces(command: Command): Command {
  const chosen = (flags: string, about: string, values: readonly string[]) =>
    new Option(flags, about).choices(values);
  return command
    .addOption(chosen('--cgroupns <mode>', 'its cgroup namespace', ['host', 'private']))
    .addOption(
      chosen('--ipc <mode>', 'its IPC namespace', ['host', 'private', 'shareable', 'none']),
    )
    .option('--pid <mode>', 'its PID namespace: host, or container:name', pidMode)
    .addOption(chosen('--userns <mode>', 'accepted: users are not mapped', ['host']))
    .addOption(chosen('--uts <mode>', 'its UTS namespace', ['host']));
}

function withLimits(command: Command): Command {
  return command
    .option('-m, --memory <bytes>', 'memory limit, such as 80m', bytes)
    .option('--memory-reservation <bytes>', 'what it is left when memory gets tight', bytes)
    .option('--memory-swap <bytes>', 'memory and swap together (-1: all swap)', swap)
    .option('--cpus <number>', 'number of CPUs, such as 0.5', positive)
    .option(
      '--cpu-period <us>',
      'the time in which --cpu-quota may be used; 100000 is usual',
      whole,
    )
    .option('--cpu-quota <us>', 'CPU time in each period', whole)
    .option('-c, --cpu-shares <weight>', 'relative to others; 1024 is usual', whole)
    .option('--cpuset-cpus <list>', 'on these CPUs alone: 0-2,7')
    .option('--cpuset-mems <list>', 'in the memory of these nodes alone')
    .option('--oom-score-adj <score>', 'who goes first when memory is short (-1000 to 1000)', whole)
    .option('--pids-limit <number>', 'how many processes it may have (-1 for no limit)', whole)
    .option('--ulimit <type=soft[:hard]>', 'a limit, such as nofile=1024:4096', addUlimit);
}

/** The same in the engine's words. @throws {ClocheError} `FILE_NOT_FOUND`, `ENV_INVALID`, `SIGNAL_INVALID` */
export function runOptionsOf(image: string, command: string[], flags: RunFlags): RunOptions {
  const { cpusetCpus: cpus, cpusetMems: mems, mount, stopSignal } = flags;
  if (stopSignal !== undefined) signalNumber(stopSignal);
  if (flags.uts !== undefined && flags.hostname !== undefined)
    throw new ClocheError('FLAGS_CONFLICT', 'conflicting options: hostname and the UTS mode', {
      class: 'invalid-argument',
      hint: "the host's UTS namespace has the host's name: leave one of them away",
    });
  return {
    ...flags,
    image,
    command,
    env: [...flags.envFile.flatMap((file) => entriesOf(file)), ...flags.env],
    entrypoint: flags.entrypoint === undefined ? undefined : [flags.entrypoint],
    network: flags.net ?? flags.network,
    remove: flags.rm,
    volumes: [...flags.volume, ...(mount?.volumes ?? [])],
    tmpfs: [...flags.tmpfs, ...(mount?.tmpfs ?? [])],
    hosts: flags.addHost,
    pidMode: flags.pid,
    ipcMode: flags.ipc,
    utsMode: flags.uts,
    cgroupnsMode: flags.cgroupns,
    dnsOptions: [...flags.dnsOption, ...(flags.dnsOpt ?? [])],
    ulimits: flags.ulimit,
    labels: { ...labelsOf(flags.labelFile), ...flags.label },
    sysctls: flags.sysctl,
    devices: flags.device,
    cpuset: cpus === undefined && mems === undefined ? undefined : { cpus, mems },
    ...flags.securityOpt,
    pidsLimit: (flags.pidsLimit ?? 0) > 0 ? flags.pidsLimit : undefined,
  };
}

function labelsOf(files: readonly string[]): Readonly<Record<string, string>> {
  const entries = files.flatMap((file) => entriesOf(file, 'label'));
  return entries.reduce((labels, entry) => pair(entry, labels), {});
}

function pidMode(text: string): string {
  if (text === 'host' || /^container:.+/.test(text)) return text;
  throw new InvalidArgumentError('it is host, or container:name.');
}

function manyOrNone(value: string, before: readonly string[] = []): readonly string[] {
  return many(value, before);
}

function swap(text: string): number {
  return text === '-1' ? -1 : bytes(text);
}
