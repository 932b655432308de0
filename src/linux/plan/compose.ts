import type { FlagName } from '../abi/flags.ts';
import type { Arg, Block, Flags, Label, Mode, Part, Plan, Pointer, Step, Value } from './step.ts';

/** What a step says beside its call, arguments and reason. */
export type StepAbout = Omit<Step, 'call' | 'args' | 'why'>;

/**
 * One step: `call('mkdirat', [rootfs, text('proc'), mode(0o755)], 'a place for proc')`.
 *
 * @throws {RangeError} more than six arguments.
 */
export function call(
  name: Step['call'],
  args: readonly Arg[],
  why: string,
  about: StepAbout = {},
): Step {
  if (args.length > 6)
    throw new RangeError(`${name} has ${args.length} arguments, six is the most`);
  return { call: name, args, why, ...about };
}

/** A step that performs nothing and jumps. */
export function jump(to: Label, why: string, about: StepAbout = {}): Step {
  return call('value', [0], why, { ...about, jump: { on: 'always', to } });
}

/** Names a place to jump to: a step that does nothing. */
export function label(here: Label, why: string): Step {
  return call('value', [0], why, { label: here, pause: false });
}

/** Gives every step what it does not say itself: a stage, where to go on failure, whether to pause. */
export function within(
  defaults: Pick<StepAbout, 'stage' | 'onFail' | 'pause'>,
  steps: readonly Step[],
): Step[] {
  return steps.map((step) => ({ ...defaults, ...step }));
}

export function plan(name: string, steps: readonly Step[]): Plan {
  return { name, steps };
}

export function flags(...names: FlagName[]): Flags {
  return { kind: 'flags', names };
}

/** A permission mode; `explain` shows it in octal. */
export function mode(bits: number): Mode {
  return { kind: 'mode', mode: bits };
}

export function block(
  name: string,
  parts: readonly Part[],
  about: { size?: number; shown?: string } = {},
): Block {
  const least = parts.reduce<number>((sum, part) => sum + sizeOf(part), 0);
  const size = Math.max(about.size ?? 0, least);
  return { kind: 'block', name, size, parts, shown: about.shown };
}

export function pointer(to: Block, offset = 0): Pointer {
  return { kind: 'pointer', block: to, offset };
}

/** What `of` holds at `offset` when the step is reached: a 64-bit word unless `width` says `i32`. */
export function value(of: Block, offset = 0, width: Value['width'] = 'u64'): Value {
  return { kind: 'value', block: of, offset, width };
}

/** A named place for one result: `const root = result('root')`, then `{ save: root }` and `root`. */
export function result(name: string): Value {
  return value(block(name, [], { size: 8 }));
}

/** An empty, writable buffer of `size` bytes. */
export function buffer(name: string, size: number): Block {
  return block(name, [], { size });
}

/** The address of a NUL-terminated string. @throws {RangeError} the text holds a NUL itself. */
export function text(content: string): Pointer {
  if (content.includes('\0')) throw new RangeError(`${JSON.stringify(content)} holds a NUL byte`);
  const bytes = new TextEncoder().encode(`${content}\0`);
  return pointer(block('text', [bytes], { shown: JSON.stringify(content) }));
}

/** The address of bytes as they are, shown as `shown`. */
export function bytes(content: Uint8Array, shown: string): Pointer {
  return pointer(block('bytes', [content], { shown }));
}

/** The address of a NULL-terminated array of strings, as `execve` wants its argv and envp. */
export function texts(contents: readonly string[]): Pointer {
  const shown = `[${contents.map((content) => JSON.stringify(content)).join(', ')}]`;
  return pointer(block('texts', [...contents.map(text), 0], { shown }));
}

/** Little-endian 32-bit integers, as most structs of the kernel have them. */
export function int32(...numbers: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(numbers).buffer);
}

export function labelName(label: Label): string {
  return typeof label === 'string' ? label : label.name;
}

/** The number of bytes that `part` takes in its block. */
export function sizeOf(part: Part): number {
  return part instanceof Uint8Array ? part.length : 8;
}
