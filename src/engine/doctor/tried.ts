import type { Finding } from './findings.ts';
import type { Probes } from './probe.ts';

/** The judgement of what was tried, the walker first. */
export function judgeProbes({ walker, outcomes }: Probes): Finding[] {
  return [judgeWalker(walker), ...[...outcomes].map(([name, outcome]) => probed(name, outcome))];
}

/** Everything but plain files is done by it, so without it nothing else can be tried. */
function judgeWalker(walker: Probes['walker']): Finding {
  const runs = walker === 'ok';
  return {
    name: 'walker',
    state: runs ? 'ok' : 'missing',
    found: runs ? 'performs plans' : walker.message,
    why: 'it makes the system calls; what it could not be asked is not in this list',
    remedy: runs ? undefined : walker.hint,
  };
}

/** What is done with less, and how, where a probe fails. What is not listed here is needed. */
const SPARED: Readonly<Record<string, string>> = {
  'user namespace': 'no containers with id mappings, and lesson 3 ends one wall earlier',
  mqueue: 'containers have no /dev/mqueue',
  bpf: 'on cgroup v2 no container can be kept from devices: nothing starts there',
  'bridge and NAT': 'containers have no network of their own: --network host or none',
  veth: 'containers have no network of their own: --network host or none',
};

function probed(name: string, outcome: string): Finding {
  const spared = SPARED[name];
  return {
    name,
    state: outcome === 'ok' ? 'ok' : spared === undefined ? 'missing' : 'degraded',
    found: outcome === 'ok' ? 'tried' : `tried: ${outcome}`,
    why: spared ?? 'every container is made with it',
    remedy: REMEDIES[outcome],
  };
}

const NOT_BUILT_IN = 'boot a kernel that has it, or modprobe its module';
const REMEDIES: Readonly<Record<string, string>> = {
  ENODEV: NOT_BUILT_IN,
  ENOSYS: NOT_BUILT_IN,
  EOPNOTSUPP: NOT_BUILT_IN,
  EINVAL: NOT_BUILT_IN,
  ENOSPC: 'sysctl -a | grep namespaces; raise user.max_*_namespaces',
  EPERM: 'run as root, outside of containers or in one with --privileged',
};
