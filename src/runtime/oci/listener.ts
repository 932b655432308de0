import { ClocheError } from '../../error.ts';
import { HOST_ARCH } from '../../linux/abi/arch.ts';
import type { Launched } from '../../linux/launch.ts';
import {
  isAskedAbout,
  type Loading,
  type Policy,
  seccompSteps,
} from '../../linux/seccomp/index.ts';
import { PATH_MAX } from '../birth/hand-over.ts';
import { stateText } from '../birth/hooks.ts';
import { AGENT, type Listener } from '../birth/listener.ts';
import type { Spec } from '../spec.ts';
import type { State } from './state.ts';
import { tell } from './told.ts';

/** What pids, a date and the names of the fields take. */
const ROOM = 1024;

/** A config's filter: how it is loaded, and whom it asks. */
export interface Guard {
  readonly seccomp?: Loading['steps'];
  readonly listener?: Listener | undefined;
  readonly warnings: readonly string[];
}

/** @throws {ClocheError} `SECCOMP_INVALID`, `SECCOMP_UNSUPPORTED`, `SPEC_INVALID` */
export function guardOf(
  { linux, annotations }: Spec,
  about: { id: string; bundle: string },
): Guard {
  const policy = linux?.seccomp as Policy | undefined;
  if (policy === undefined) return { warnings: [] };
  const { steps, listener, warnings } = seccompSteps(policy, HOST_ARCH);
  if (listener === undefined) return { seccomp: steps, warnings };
  const { listenerPath: path = '', listenerMetadata: metadata } = policy;
  if (Buffer.byteLength(path) > PATH_MAX)
    throw new ClocheError('SPEC_INVALID', `seccomp.listenerPath is too long: '${path}'`, {
      class: 'invalid-argument',
      hint: `the path of a unix socket has at most ${PATH_MAX} bytes`,
    });
  // It cannot be taken from a process in a user namespace that is not below ours, which so has to send it.
  const sends = linux?.namespaces?.some(({ type, path }) => type === 'user' && path !== undefined);
  if (sends === true && isAskedAbout(policy, 'sendmsg'))
    throw new ClocheError(
      'SPEC_INVALID',
      'SCMP_ACT_NOTIFY cannot be used for sendmsg in a user namespace that is joined',
      { class: 'invalid-argument', hint: 'with that the listener is sent to who answers' },
    );
  const said = JSON.stringify({ ...about, metadata, ...annotations });
  const told = stateText('state for the agent', Buffer.byteLength(said) + ROOM);
  return { seccomp: steps, listener: { fd: listener, path, metadata, told }, warnings };
}

/** Says who asks: the runtime-spec's container process state. The shim waits for our word meanwhile. */
export function tellAgent(
  launched: Launched,
  { told, metadata }: Listener,
  pid: number,
  state: State,
): void {
  const { ociVersion } = state;
  tell(launched, told, { ociVersion, fds: ['seccompFd'], pid, metadata, state });
}

/** What went wrong between shim and agent, in words; else the error as it was. */
export function listenerError(error: ClocheError, listener: Listener | undefined): ClocheError {
  const { call, why, errno } = error.details;
  if (listener === undefined || call !== 'connect' || why !== AGENT) return error;
  const message = `cannot hand seccomp's listener to '${listener.path}': ${errno}`;
  return new ClocheError('SECCOMP_AGENT_UNREACHABLE', message, {
    class: 'unavailable',
    hint: 'linux.seccomp.listenerPath names the unix socket on which your agent listens: is it running?',
    details: error.details,
    cause: error,
  });
}
