import { HOST_ARCH } from '../src/linux/abi/arch.ts';
import { errnoNumber, flagNumber, syscallNumber } from '../src/linux/abi/numbers.ts';
import { encode } from '../src/linux/plan/encode.ts';
import { PLAN_BASE } from '../src/linux/plan/format.ts';
import type { Arg, EncodedPlan, Plan, Step } from '../src/linux/plan/index.ts';

/**
 * A plan as a C program, which makes the same calls with the same arguments in the same order: what
 * a walker costs is what it takes longer than that. It is as small as C can be: no libc, and no
 * step is looked up, each is code of its own.
 *
 * @throws {Error} for a plan that tells a walker where to begin, which C has no steps for.
 */
export function cProgram(plan: Plan): string {
  const encoded = encode(plan, HOST_ARCH);
  const first = firstBlock(encoded);
  const content = encoded.bytes.subarray(first);
  return `${PRELUDE}
static const unsigned char content[] = {${content.join(',')}};

void begin(void) {
  long r;
  call(${syscallNumber('mmap', HOST_ARCH)}, ${PLAN_BASE}, ${encoded.bytes.length}, 3, 0x31, -1, 0);
  for (unsigned i = 0; i < sizeof content; i++)
    ((volatile unsigned char *)${PLAN_BASE + BigInt(first)})[i] = content[i];
${plan.steps.map((step, index) => statements(plan, step, index, encoded)).join('\n')}
  call(${syscallNumber('exit_group', HOST_ARCH)}, 0, 0, 0, 0, 0, 0);
failed:
  call(${syscallNumber('exit_group', HOST_ARCH)}, 125, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}
`;
}

/** The stack is aligned before anything of C runs. */
const PRELUDE = `
#if defined(__x86_64__)
__asm__(".globl _start\\n_start: and $-16, %rsp\\n call begin\\n");
static inline long call(long nr, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "+a"(nr) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return nr;
}
#else
__asm__(".globl _start\\n_start: bl begin\\n");
static inline long call(long nr, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}
#endif
`;

/** Where the header and the steps end. */
function firstBlock({ offsetOf }: EncodedPlan): number {
  return Math.min(...[...offsetOf.values()].filter((offset) => offset > 0));
}

function statements(plan: Plan, step: Step, index: number, encoded: EncodedPlan): string {
  const args = Array.from({ length: 6 }, (_, i) => expression(step.args[i] ?? 0, encoded));
  const lines = [
    step.call === 'value'
      ? `r = ${args[0]};`
      : `r = call(${syscallNumber(step.call, HOST_ARCH)}, ${args.join(', ')});`,
  ];
  const { jump, tolerate = [], save } = step;
  const goto = (to: Step['onFail']) =>
    `goto ${to === undefined ? 'failed' : `s${plan.steps.findIndex(({ label }) => label === to)}`};`;
  if (jump !== undefined) lines.push(`if (${CONDITION[jump.on]}) ${goto(jump.to)}`);
  if (tolerate !== 'any') {
    const errnos = tolerate.map((name) => ` && r != -${errnoNumber(name)}`).join('');
    lines.push(`if (r < 0 && r >= -4095${errnos}) ${goto(step.onFail)}`);
  }
  if (save !== undefined) lines.push(`${expression(save, encoded)} = r;`);
  return `s${index}: ${lines.join('\n  ')}`;
}

const CONDITION = {
  zero: 'r == 0',
  nonzero: 'r != 0',
  negative: 'r < 0',
  positive: 'r > 0',
  always: '1',
};

function expression(arg: Arg, { offsetOf }: EncodedPlan): string {
  if (typeof arg !== 'object') return `${BigInt.asIntN(64, BigInt(arg))}`;
  if (arg.kind === 'mode') return String(arg.mode);
  if (arg.kind === 'flags')
    return String(arg.names.reduce((bits, name) => bits | BigInt(flagNumber(name, HOST_ARCH)), 0n));
  if (arg.kind === 'target') throw new Error('a step of C has no index');
  const address = PLAN_BASE + BigInt((offsetOf.get(arg.block) ?? 0) + arg.offset);
  if (arg.kind === 'pointer') return String(address);
  // The other half of a clone writes there too.
  return `*(volatile ${arg.width === 'i32' ? 'int' : 'long'} *)${address}`;
}
