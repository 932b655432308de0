import { ClocheError } from '../../error.ts';
import type { Arch } from '../abi/arch.ts';
import type { StepsWithWarnings } from '../capabilities.ts';
import { block, call, flags, pointer, type Step } from '../plan/index.ts';
import { compile } from './compile.ts';
import type { Policy } from './policy.ts';

const FLAGS: Record<string, number> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

/**
 * Loads the filter of a policy into the calling process, which needs CAP_SYS_ADMIN or no_new_privs.
 *
 * @throws {ClocheError} `SECCOMP_INVALID`, `SECCOMP_UNSUPPORTED`
 */
export function seccompSteps(policy: Policy, arch: Arch): StepsWithWarnings {
  const { program, warnings } = compile(policy, arch);
  const bits = (policy.flags ?? []).reduce((all, name) => all | flagOf(name), 0);
  return { steps: filterSteps(program, bits), warnings };
}

/** Loads a filter that is compiled already; as `seccompSteps`. */
export function filterSteps(program: Uint8Array, bits = 0): Step[] {
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
