import { ClocheError } from '../../error.ts';
import type { NamespaceType, Spec } from '../spec.ts';
import type { Namespaces } from './namespaces.ts';

/** Kernel parameters of System V's messages, semaphores and memory, which an IPC namespace has for itself. */
const IPC = new Set(
  ['msgmax', 'msgmnb', 'msgmni', 'sem', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced'].map(
    (name) => `kernel.${name}`,
  ),
);

/**
 * A container may set what its own namespaces have for themselves. All else is the whole machine's, which
 * the same calls and files would change. As runc has it, `libcontainer/configs/validate`.
 *
 * @throws {ClocheError} `SPEC_INVALID`
 */
export function requireOwn(spec: Spec, { fresh, joined }: Namespaces): void {
  const isOwn = (type: NamespaceType) => fresh.has(type) || joined.some((one) => one.type === type);
  const { hostname, domainname, linux = {} } = spec;
  if ((hostname !== undefined || domainname !== undefined) && !isOwn('uts'))
    throw invalid('unable to set hostname without a private UTS namespace');
  if (linux.timeOffsets !== undefined && !fresh.has('time'))
    throw invalid('unable to set clocks without a new time namespace');
  const { maskedPaths = [], readonlyPaths = [] } = linux;
  if (maskedPaths.length + readonlyPaths.length > 0 && !isOwn('mount'))
    throw invalid('unable to restrict sys entries without a private MNT namespace');
  if (!isOwn('mount')) requireNoMounts(spec, fresh);
  for (const said of Object.keys(linux.sysctl ?? {})) {
    const key = said.replaceAll('/', '.');
    if (key === 'kernel.hostname')
      throw invalid(`sysctl "${said}" is not allowed: the hostname has a field of its own`);
    const type = namespaceOf(key);
    if (type === undefined)
      throw invalid(`sysctl "${said}" is not in a separate kernel namespace`, SYSCTLS);
    if (!isOwn(type))
      throw invalid(`sysctl "${said}" is not allowed in the host's ${type} namespace`);
  }
}

/** runc makes these where they stay: in the host's tree. */
function requireNoMounts({ mounts = [], root, linux }: Spec, fresh: Namespaces['fresh']): void {
  const without = 'without a private MNT namespace';
  if (mounts.length > 0) throw invalid(`unable to mount anything ${without}`);
  if (root?.readonly === true) throw invalid(`unable to make the root read-only ${without}`);
  if ((linux?.rootfsPropagation ?? '') !== '')
    throw invalid(`unable to set the root's propagation ${without}`);
  // There they would be the host's, each mounted on a file of the root.
  if (fresh.has('user') && (linux?.devices ?? []).length > 0)
    throw invalid(`unable to give devices in a user namespace ${without}`);
}

const SYSCTLS =
  'There are net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm* and kernel.domainname; those of the whole machine sysctl(8) sets.';

function namespaceOf(key: string): NamespaceType | undefined {
  if (IPC.has(key) || key.startsWith('fs.mqueue.')) return 'ipc';
  if (key.startsWith('net.')) return 'network';
  return key === 'kernel.domainname' ? 'uts' : undefined;
}

function invalid(message: string, hint?: string): ClocheError {
  return new ClocheError('SPEC_INVALID', message, { class: 'invalid-argument', hint });
}
