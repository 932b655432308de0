/**
 * A policy for system calls, in the shape of `linux.seccomp` of the OCI config, in the meaning that runc
 * and libseccomp give to it: a rule without conditions decides, whatever others say of that call; else
 * the first whose conditions hold; else the default. A rule whose action is the default's is no rule.
 * Source: runtime-spec `config-linux.md`, seccomp(2), runc's `libcontainer/seccomp`.
 */
export interface Policy {
  readonly defaultAction: Action;
  /** For a default of SCMP_ACT_ERRNO; EPERM without. */
  readonly defaultErrnoRet?: number | undefined;
  readonly architectures?: readonly string[] | undefined;
  readonly flags?: readonly string[] | undefined;
  /** The unix socket of the agent that answers for the calls of SCMP_ACT_NOTIFY, and what it is told with them. */
  readonly listenerPath?: string | undefined;
  readonly listenerMetadata?: string | undefined;
  readonly syscalls?: readonly Rule[] | undefined;
}

export type Action =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

export interface Rule {
  readonly names: readonly string[];
  readonly action: Action;
  readonly errnoRet?: number | undefined;
  /** All must hold; but if two are about one argument, any of them will do. */
  readonly args?: readonly Condition[] | undefined;
}

export interface Condition {
  /** Which argument, 0 to 5. */
  readonly index: number;
  /** Unsigned, 64 bits. For MASKED_EQ the mask, and `valueTwo` is what must remain. */
  readonly value: number | bigint;
  readonly valueTwo?: number | bigint | undefined;
  readonly op: Comparison;
}

export type Comparison =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ';

/** Whether an agent is asked about a call; about any, where none is named. */
export function isAskedAbout({ syscalls = [] }: Policy, name?: string): boolean {
  return syscalls.some(
    ({ action, names }) =>
      action === 'SCMP_ACT_NOTIFY' && (name === undefined || names.includes(name)),
  );
}
