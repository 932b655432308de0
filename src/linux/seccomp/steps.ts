import { ClocheError } from '../../error.ts';
import type { Arch } from '../abi/arch.ts';
import type { StepsWithWarnings } from '../capabilities.ts';
import { block, call, flags, pointer, result, type Step, type Value } from '../plan/index.ts';
import { compile } from './compile.ts';
import { isAskedAbout, type Policy } from './policy.ts';

/** What may be said about how a filter is loaded, and its bit. Source: seccomp(2). */
export const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};
const NEW_LISTENER = 8;
/** Of no use to a process of one thread, and refused together with a listener. */
const TSYNC = 1;
/** Refused without a listener. */
const WAIT_KILLABLE_RECV = 32;

/** How a filter is loaded. */
export interface Loading extends StepsWithWarnings {
  /** Where the agent's end of it is: an fd of the process that loads it. Only where an agent is asked. */
  readonly listener: Value | undefined;
}

/**
 * Loads the filter of a policy into the calling process, which needs CAP_SYS_ADMIN or no_new_privs.
 *
 * @throws {ClocheError} `SECCOMP_INVALID`, `SECCOMP_UNSUPPORTED`
 */
export function seccompSteps(policy: Policy, arch: Arch): Loading {
  const { program, warnings } = compile(policy, arch);
  const bits = (policy.flags ?? []).reduce((all, name) => all | flagOf(name), 0);
  if (!isAskedAbout(policy))
    return {
      steps: filterSteps(program, bits & ~WAIT_KILLABLE_RECV),
      warnings,
      listener: undefined,
    };
  const listener = result('listener');
  const steps = filterSteps(program, (bits & ~TSYNC) | NEW_LISTENER, listener);
  return { steps, warnings, listener };
}

/** Loads a filter that is compiled already; as `seccompSteps`. */
export function filterSteps(program: Uint8Array, bits = 0, save?: Value): Step[] {
  const length = program.length / 8;
  const filter = block('filter', [program]);
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const header = Uint8Array.of(length & 0xff, length >> 8, 0, 0, 0, 0, 0, 0);
  const described = block('sock_fprog', [header, pointer(filter)], {
    shown: `{${length} instructions}`,
  });
  const step = call(
    'seccomp',
    [flags('SECCOMP_SET_MODE_FILTER'), bits, pointer(described)],
    'from here on the kernel refuses the calls that no container needs',
    { save },
  );
  return [step];
}

function flagOf(name: string): number {
  const bit = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
  if (bit !== undefined) return bit;
  throw new ClocheError('SECCOMP_UNSUPPORTED', `seccomp: flag '${name}' is not supported`, {
    class: 'invalid-argument',
    hint: `known are ${Object.keys(FLAGS).join(', ')}`,
  });
}
