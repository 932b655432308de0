import { ClocheError } from '../../error.ts';
import { setting } from './limits.ts';
import type { DeviceRule } from './resources.ts';
import type { Setting } from './settings.ts';

/**
 * Device rules as writes into `devices.deny` and `devices.allow` of a new cgroup.
 *
 * v1 keeps one default and a list of exceptions from it, and removes an exception only when it is
 * named exactly; "deny one of those allowed before" has no effect there. So the rules are played
 * through here, as "the last one that fits decides", and what comes out is written.
 *
 * @throws {ClocheError} `CGROUP_UNSUPPORTED`: an exception from an exception, which v1 cannot keep.
 *
 * Source: Documentation/admin-guide/cgroup-v1/devices.rst, security/device_cgroup.c.
 */
export function v1DeviceSettings(rules: readonly DeviceRule[]): Setting[] {
  let state: State = { allowed: true, exceptions: [] };
  for (const rule of rules.flatMap(numbered)) state = applied(state, rule);
  const { allowed, exceptions } = state;
  const file = allowed ? 'devices.deny' : 'devices.allow';
  const why = allowed ? 'all but this device' : 'only this device, beside the others listed';
  const all = setting('devices', 'devices.deny', 'a', 'no device at all, until it is listed');
  return [
    ...(allowed ? [] : all),
    ...exceptions.flatMap((exception) => setting('devices', file, textOf(exception), why)),
  ];
}

/** A rule with its blanks filled in; -1 is every number. */
export interface NumberedRule {
  readonly allow: boolean;
  readonly type: 'a' | 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  /** Letters out of `rwm`, in this order. */
  readonly access: string;
}

/** Fills in the blanks; an `a` that does not mean everything becomes one rule for each kind. */
export function numbered(rule: DeviceRule): NumberedRule[] {
  const { allow, type = 'a', major = -1, minor = -1, access = 'rwm' } = rule;
  if (access === '' || /[^rwm]/.test(access))
    throw new ClocheError('CGROUP_RESOURCES_INVALID', `device access '${access}' is not of 'rwm'`, {
      class: 'invalid-argument',
      hint: 'Write any of r (read), w (write) and m (mknod).',
    });
  const sorted = [...'rwm'].filter((letter) => access.includes(letter)).join('');
  const filled = { allow, major, minor, access: sorted };
  if (type === 'a' && major === -1 && minor === -1 && sorted === 'rwm')
    return [{ ...filled, type: 'a' }];
  if (type === 'a')
    return [
      { ...filled, type: 'b' },
      { ...filled, type: 'c' },
    ];
  return [{ ...filled, type: type === 'u' ? 'c' : type }];
}

interface State {
  /** What holds for a device that is no exception. */
  readonly allowed: boolean;
  readonly exceptions: readonly NumberedRule[];
}

function applied(state: State, rule: NumberedRule): State {
  if (rule.type === 'a') return { allowed: rule.allow, exceptions: [] };
  if (rule.allow !== state.allowed) {
    const twin = state.exceptions.find((e) => isWithin(e, rule) && isWithin(rule, e));
    const others = state.exceptions.filter((exception) => exception !== twin);
    const access = [...'rwm']
      .filter((a) => `${rule.access}${twin?.access ?? ''}`.includes(a))
      .join('');
    return { ...state, exceptions: [...others, { ...rule, access }] };
  }
  const exceptions = state.exceptions.flatMap((exception) => without(exception, rule));
  return { ...state, exceptions };
}

/** What is left of an exception after a rule that goes the other way. */
function without(exception: NumberedRule, rule: NumberedRule): NumberedRule[] {
  const left = [...exception.access].filter((letter) => !rule.access.includes(letter)).join('');
  const touches = left !== exception.access && overlap(exception, rule);
  if (!touches) return [exception];
  if (!isWithin(exception, rule))
    throw new ClocheError(
      'CGROUP_UNSUPPORTED',
      `cgroup v1 cannot keep the device rule '${textOf(rule)}' beside '${textOf(exception)}'`,
      {
        class: 'unavailable',
        hint: 'v1 knows exceptions, but none from an exception: name the devices one by one.',
      },
    );
  return left === '' ? [] : [{ ...exception, access: left }];
}

function isWithin(a: NumberedRule, b: NumberedRule): boolean {
  const fits = (x: number, y: number) => y === -1 || x === y;
  return a.type === b.type && fits(a.major, b.major) && fits(a.minor, b.minor);
}

function overlap(a: NumberedRule, b: NumberedRule): boolean {
  const meet = (x: number, y: number) => x === -1 || y === -1 || x === y;
  return a.type === b.type && meet(a.major, b.major) && meet(a.minor, b.minor);
}

function textOf({ type, major, minor, access }: NumberedRule): string {
  const number = (n: number) => (n === -1 ? '*' : String(n));
  return `${type} ${number(major)}:${number(minor)} ${access}`;
}
