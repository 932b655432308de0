import { Command } from 'commander';
import { ClocheError } from '../../error.ts';
import { lastCapability, ownCapabilities } from '../../linux/capabilities.ts';
import { cgroupOf, detectCgroups, joinCgroupOf } from '../../linux/cgroup/index.ts';
import { launch } from '../../linux/launch.ts';
import { stepFailed } from '../../linux/perform.ts';
import { readNamespaces } from '../../linux/proc/index.ts';
import { ownHardLimits } from '../../linux/rlimits.ts';
import { exitCodeIn } from '../../linux/signals.ts';
import { installedWalker } from '../../linux/walker/index.ts';
import { execPlan, type NamespaceType } from '../../runtime/index.ts';
import { readBundle, readRecord, stateOf } from '../../runtime/oci/index.ts';
import { many } from '../flags.ts';

/** `cloche oci exec`: one more program in a running container, as its config describes processes. */
export function ociExec(root: () => string): Command {
  return new Command('exec')
    .description('Execute a process in a running container')
    .argument('<id>')
    .argument('<command...>')
    .passThroughOptions()
    .option('--cwd <directory>', 'working directory')
    .option('-e, --env <entry>', 'set an environment variable', many, [])
    .option('-u, --user <uid>', 'uid or uid:gid')
    .option('-c, --cap <capability>', 'one capability more', many, [])
    .action(async (id: string, command: string[], flags: Flags) => {
      process.exitCode = await exec(root(), id, command, flags);
    });
}

interface Flags {
  readonly cwd?: string;
  readonly env: string[];
  readonly user?: string;
  readonly cap: string[];
}

async function exec(root: string, id: string, args: string[], flags: Flags): Promise<number> {
  const record = readRecord(root, id);
  const { status } = stateOf(root, record);
  if (status !== 'running' && status !== 'created')
    throw new ClocheError('CONTAINER_NOT_RUNNING', `cannot exec in a ${status} container`, {
      class: 'conflict',
      hint: `cloche oci state ${id}`,
    });
  const own = readBundle(record.bundle).spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' };
  const more = (names: readonly string[] = []) => [...new Set([...names, ...flags.cap])];
  const capabilities = own.capabilities ?? {};
  const entry = execPlan({
    id,
    pid: record.pid,
    namespaces: differing(record.pid),
    process: {
      ...own,
      terminal: false,
      args,
      env: [...(own.env ?? []), ...flags.env],
      cwd: flags.cwd ?? own.cwd,
      user: flags.user === undefined ? own.user : userOf(flags.user),
      capabilities: {
        ...capabilities,
        bounding: more(capabilities.bounding),
        permitted: more(capabilities.permitted),
        effective: more(capabilities.effective),
      },
    },
    machine: {
      capabilities: ownCapabilities(),
      lastCapability: lastCapability(),
      hardLimits: ownHardLimits(),
    },
    walkerSize: installedWalker().size,
    joinCgroup: joinCgroupOf(cgroupOf(detectCgroups(), record.pid)),
  });
  const launched = launch(entry.plan, { control: true });
  await launched.exited;
  const failure = launched.memory.failure();
  if (failure !== undefined) throw stepFailed(entry.plan, failure.step, failure.errno);
  return exitCodeIn(launched.memory.read(entry.pair.status));
}

/** `1000` or `1000:100`; names would need the container's /etc/passwd. @throws {ClocheError} `USER_INVALID` */
function userOf(text: string): { uid: number; gid: number } {
  const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2] ?? 0)];
  if (match !== null && Math.max(uid, gid) < 0xffff_ffff) return { uid, gid };
  throw new ClocheError('USER_INVALID', `invalid user '${text}'`, {
    class: 'invalid-argument',
    hint: 'a number, or two as in 1000:100',
  });
}

/** The namespaces in which a process is not where we are. */
function differing(pid: number): NamespaceType[] {
  const [theirs, ours] = [readNamespaces(pid), readNamespaces('self')];
  const kinds = {
    mnt: 'mount',
    net: 'network',
    pid: 'pid',
    ipc: 'ipc',
    uts: 'uts',
    user: 'user',
    cgroup: 'cgroup',
  } as const;
  return (Object.keys(kinds) as (keyof typeof kinds)[])
    .filter((name) => theirs?.[name] !== ours?.[name])
    .map((name) => kinds[name]);
}
