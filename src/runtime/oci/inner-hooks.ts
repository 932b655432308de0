import { ClocheError } from '../../error.ts';
import type { Launched } from '../../linux/launch.ts';
import type { ContainerPlan } from '../birth/container.ts';
import { type InnerHooks, type PlannedHook, stateText } from '../birth/hooks.ts';
import type { Bundle } from './bundle.ts';
import type { State } from './state.ts';
import { tell } from './told.ts';

/** What a pid and a date may add to a state that has neither. */
const ROOM = 64;
/** A pipe holds no more. */
const STATE_MAX = 60_000;

/**
 * The hooks of a config that init runs itself, with room for what they are told.
 *
 * @throws {ClocheError} `SPEC_INVALID`: annotations that no pipe would hold
 */
export function innerHooksOf(id: string, { path, spec }: Bundle): InnerHooks | undefined {
  const { createContainer = [], startContainer = [] } = spec.hooks ?? {};
  if (createContainer.length + startContainer.length === 0) return undefined;
  const size =
    Buffer.byteLength(JSON.stringify({ id, bundle: path, ...spec.annotations })) * 2 + 512;
  if (size > STATE_MAX)
    throw new ClocheError('SPEC_INVALID', 'the annotations are too long for a hook to read', {
      class: 'invalid-argument',
      hint: `together they may have some ${STATE_MAX / 2} bytes`,
    });
  return {
    ...{ createContainer, startContainer },
    creating: stateText('state: creating', size + ROOM),
    created: stateText('state: created', size + ROOM),
  };
}

/** Writes down what they shall be told. Init waits for our word meanwhile. */
export function tellHooks({ hooks }: ContainerPlan, launched: Launched, state: State): void {
  const { inner } = hooks;
  if (inner === undefined) return;
  if (inner.createContainer.length > 0)
    tell(launched, inner.creating, { ...state, status: 'creating' });
  if (inner.startContainer.length > 0)
    tell(launched, inner.created, { ...state, status: 'created' });
}

/** The failure of a hook that init has run, if that is what failed. */
export function hookFailure(
  { hooks }: ContainerPlan,
  { memory }: Launched,
): ClocheError | undefined {
  for (const planned of hooks.planned) {
    const status = Buffer.from(memory.read(planned.status)).readUInt32LE(0);
    const failed = hookError(planned, status);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** What a hook's wait status means; nothing, if it went well or was never reached. */
export function hookError(
  { name, hook }: Pick<PlannedHook, 'name' | 'hook'>,
  waited: number,
): ClocheError | undefined {
  if (waited === 0) return undefined;
  const signal = waited & 0x7f;
  const how = signal === 0 ? `exited with ${waited >> 8}` : `was ended by signal ${signal}`;
  const missing = signal === 0 && waited >> 8 === 127;
  return new ClocheError('HOOK_FAILED', `${name} hook '${hook.path}' ${how}`, {
    hint: missing
      ? 'is it there? createContainer looks for it on the host, startContainer in the container'
      : undefined,
    details: { path: hook.path, exitCode: waited >> 8 },
  });
}
