import type { NetworkSteps } from '../runtime/index.ts';
import type { Engine } from './engine.ts';
import type { RunOptions } from './options.ts';

/** How a container is attached: the steps, and its address on the bridge. */
export interface Attachment {
  readonly steps: NetworkSteps | undefined;
  readonly address: string | undefined;
}

/** A container, or a RUN that is one for a while. */
export interface Attached {
  readonly id: string;
  readonly options: RunOptions;
}

export function networkOf(_engine: Engine, _container: Attached): Attachment {
  return { steps: undefined, address: undefined };
}
