import type { Command } from 'commander';
import type { HostEntry } from '../build/index.ts';
import type { PortSpec, RunOptions } from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import type { PullPolicy } from '../image/index.ts';
import type { Rlimit } from '../linux/rlimits.ts';
import { signalNumber } from '../linux/signals.ts';
import { addVolume, pair, ports } from './container-flags.ts';
import { entriesOf } from './entries.ts';
import { bytes, many, positive } from './flags.ts';
import { type Flag, read, saidAmong, withFlags } from './usual-flags.ts';

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

export const NETWORKS = ['bridge', 'host', 'none'];

/** What is there where a flag is not given. */
export const NOTHING = {
  ...{ capAdd: [], capDrop: [], detach: false, device: [], dns: [], dnsOption: [], dnsSearch: [] },
  ...{ env: [], envFile: [], explain: false, expose: [], groupAdd: [], init: false, json: false },
  ...{ interactive: false, label: {}, labelFile: [], link: [], network: 'bridge', pull: 'missing' },
  ...{
    privileged: false,
    publish: [],
    publishAll: false,
    quiet: false,
    readOnly: false,
    rm: false,
  },
  ...{
    sigProxy: true,
    step: false,
    sysctl: {},
    tmpfs: [],
    tty: false,
    volume: [],
    volumesFrom: [],
  },
} satisfies Partial<RunFlags>;

/** The flags that most have need of; the others are in `rare-run-flags.ts`. */
const USUAL: readonly Flag[] = [
  ['-d, --detach', 'run in the background and print the container ID'],
  ['-e, --env <entry>', 'set an environment variable', read(many)],
  ['--entrypoint <program>', "replace the image's entrypoint"],
  ['-h, --hostname <name>', "the container's host name"],
  ['--init', 'a PID 1 that reaps, and hands on signals'],
  ['-i, --interactive', 'keep STDIN open'],
  ['-m, --memory <bytes>', 'memory limit, such as 80m', read(bytes)],
  ['--cpus <number>', 'number of CPUs, such as 0.5', read(positive)],
  ['--name <name>', 'assign a name'],
  [
    '--network <mode>',
    'connect to a network',
    (option) => option.choices(NETWORKS).default('bridge'),
  ],
  ['--privileged', 'give extended privileges'],
  ['-p, --publish <ports>', '[[ip:]hostPort:]containerPort[/protocol]', read(ports)],
  ['--rm', 'remove the container when it exits'],
  ['-t, --tty', 'allocate a pseudo-TTY'],
  ['-u, --user <user>', 'user or UID, and :group or GID'],
  ['-v, --volume <volume>', 'a volume or a directory: [source:]target[:ro]', read(addVolume)],
  ['-w, --workdir <directory>', 'working directory inside'],
];

/** Docker's flags, as far as we have what they are about, and those are said. */
export async function withRunFlags(command: Command, words: readonly string[]): Promise<Command> {
  const said = saidAmong(USUAL, words, { endsAtWord: true });
  if (said !== undefined) return withFlags(command, said);
  return (await import('./rare-run-flags.ts')).withRareRunFlags(withFlags(command, USUAL));
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
