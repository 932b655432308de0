import type { SyscallName } from '../abi/syscalls.ts';
import { EVERYBODY, GIVEN, I386_ONLY, SOCKET_FAMILIES } from './default-tables.ts';
import type { Condition, Policy, Rule } from './policy.ts';

/** All CLONE_NEW* but the time namespace, which clone(2) cannot make. */
const NEW_NAMESPACES = 0x7e020000;
const ENOSYS = 38;
/** PER_LINUX, with UNAME26 and ADDR_NO_RANDOMIZE, and the question which one it is. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/**
 * Docker's default profile, in meaning, for a container with these capabilities in its bounding set:
 * what is not allowed is refused with EPERM. Calls that are newer than our table of calls get ENOSYS
 * from `compile`, as on a kernel without them, so that a library falls back to what it knows.
 */
export function defaultPolicy(capabilities: readonly string[]): Policy {
  const given = capabilities.flatMap((name) => GIVEN[name] ?? []);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_AARCH64'],
    syscalls: [
      { names: [...new Set([...EVERYBODY, ...given, ...I386_ONLY])], action: 'SCMP_ACT_ALLOW' },
      { names: ['socketcall'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      ...PERSONALITIES.map((value) => allowIf('personality', 'SCMP_CMP_EQ', value)),
      ...SOCKET_FAMILIES.map((family) => allowIf('socket', 'SCMP_CMP_EQ', family)),
      ...(capabilities.includes('CAP_SYS_ADMIN') ? [] : cloneRules()),
    ],
  };
}

/** clone3 has its flags in memory, where no filter can look: libraries that get ENOSYS use clone. */
function cloneRules(): Rule[] {
  return [
    allowIf('clone', 'SCMP_CMP_MASKED_EQ', NEW_NAMESPACES),
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

function allowIf(name: SyscallName, op: Condition['op'], value: number): Rule {
  const condition: Condition = { index: 0, value, valueTwo: 0, op };
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [condition] };
}
