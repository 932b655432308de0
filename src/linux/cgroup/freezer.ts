import { soon } from '../soon.ts';
import { readKeys, readKnob, writeKnob } from './files.ts';

/** The freezer of one cgroup: v1's has a hierarchy, v2's is a part of every cgroup. `at` is the directory. */

type Knob = (at: string) => [path: string, content: string];
const FREEZE: Record<1 | 2, Knob> = {
  1: (at) => [`${at}/freezer.state`, 'FROZEN'],
  2: (at) => [`${at}/cgroup.freeze`, '1'],
};
const THAW: Record<1 | 2, Knob> = {
  1: (at) => [`${at}/freezer.state`, 'THAWED'],
  2: (at) => [`${at}/cgroup.freeze`, '0'],
};

/** How often it is asked, in five seconds. */
const ATTEMPTS = 100;

/** @returns whether all stand still; if not after five seconds, nobody does */
export async function freeze(at: string, version: 1 | 2): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    writeKnob(...FREEZE[version](at));
    if (await soon(5000 / ATTEMPTS, () => isFrozen(at, version))) return true;
    // v1 may stay FREEZING for ever where one process waits for another that stands still already, in the
    // middle of a vfork for instance. Whoever lets them go on and asks again meets them elsewhere, as runc does.
    if (version === 1) {
      thaw(at, version);
      await Bun.sleep(10);
    }
  }
  thaw(at, version);
  return false;
}

export function thaw(at: string, version: 1 | 2): void {
  writeKnob(...THAW[version](at));
}

export function isFrozen(at: string, version: 1 | 2): boolean {
  if (version === 1) return readKnob(`${at}/freezer.state`) === 'FROZEN';
  return readKeys(`${at}/cgroup.events`).frozen === 1;
}

/** Whether it is frozen, or on its way. */
export function isHeld(at: string, version: 1 | 2): boolean {
  if (version === 1) return readKnob(`${at}/freezer.state`) !== 'THAWED';
  return readKnob(`${at}/cgroup.freeze`) === '1';
}
