import { type Command, InvalidArgumentError, Option } from 'commander';
import { addHost, addMount, addUlimit, exposed, pair, security } from './container-flags.ts';
import { bytes, many, whole } from './flags.ts';
import { NETWORKS } from './run-flags.ts';

/** The flags of `run` and `create` that few use. What is there without them says `NOTHING`. */
export function withRareRunFlags(command: Command): Command {
  return withNamespaces(withLimits(withFiles(withRights(withNetwork(withAbout(command))))))
    .option('--explain', 'print the system calls that would make it, with their reasons')
    .option('--step', 'go through its birth call by call')
    .option('--json', 'print the explanation as JSON');
}

function withAbout(command: Command): Command {
  return command
    .option('--cidfile <file>', 'write its ID into a file')
    .option('--env-file <file>', 'one KEY=value a line', many)
    .option('-l, --label <key=value>', 'something to know it by', pair)
    .option('--label-file <file>', 'one key=value a line', many)
    .option('--platform <os/arch>', 'an image of another platform than this machine')
    .addOption(
      new Option('--pull <when>', 'ask the registry')
        .choices(['always', 'missing', 'never'])
        .default('missing'),
    )
    .option('-q, --quiet', 'say nothing of a pull')
    .option('--sig-proxy', 'hand our signals on to it', true)
    .addOption(new Option('--no-sig-proxy').hideHelp())
    .addOption(new Option('--no-healthcheck', 'there are none').hideHelp())
    .option('--stop-signal <signal>', "how it is asked to end; else the image's, or TERM")
    .option('--stop-timeout <seconds>', 'how long it may take then (-1: for ever)', whole);
}

function withRights(command: Command): Command {
  return command
    .option('--cap-add <capability>', 'add a capability', many)
    .option('--cap-drop <capability>', 'drop a capability', many)
    .option('--group-add <group>', 'one more group of the user', many)
    .option('--security-opt <option>', 'no-new-privileges, or seccomp=unconfined', security)
    .option('--sysctl <name=value>', 'a kernel parameter of its namespaces', pair);
}

function withNetwork(command: Command): Command {
  return command
    .option('--add-host <name:ip>', 'a line of /etc/hosts; the IP may be host-gateway', addHost)
    .option('--dns <address>', "a name server, instead of the host's", many)
    .option('--dns-option <option>', 'an option of resolv.conf(5)', many)
    .addOption(new Option('--dns-opt <option>').argParser(many).hideHelp())
    .option('--dns-search <domain>', 'where names are looked for; . for nowhere', many)
    .option('--domainname <name>', 'its NIS domain name')
    .option('--expose <port>', 'a port that it listens on', exposed)
    .addOption(new Option('--net <mode>', 'as --network').choices(NETWORKS).hideHelp())
    .option('--link <name[:alias]>', 'a line of /etc/hosts with its address (deprecated)', many)
    .option('-P, --publish-all', 'publish all exposed ports to any that are free');
}

function withFiles(command: Command): Command {
  return command
    .option('--device <device>', 'a device of this machine: /dev/a[:/dev/b[:rwm]]', many)
    .option('--mount <mount>', 'type=bind|volume|tmpfs,source=…,target=…[,readonly]', addMount)
    .option('--read-only', 'nothing of the image can be changed')
    .option('--shm-size <bytes>', 'the size of /dev/shm, such as 128m', bytes)
    .option('--tmpfs <directory>', 'files in memory: /run[:size=64m,mode=755]', many)
    .option('--volumes-from <container>', 'all volumes of another: name[:ro]', many);
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
    .option('--memory-reservation <bytes>', 'what it is left when memory gets tight', bytes)
    .option('--memory-swap <bytes>', 'memory and swap together (-1: all swap)', swap)
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

function pidMode(text: string): string {
  if (text === 'host' || /^container:.+/.test(text)) return text;
  throw new InvalidArgumentError('it is host, or container:name.');
}

function swap(text: string): number {
  return text === '-1' ? -1 : bytes(text);
}
