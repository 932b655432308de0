import type { NetworkSteps } from '../runtime/index.ts';
import type { Engine } from './engine.ts';
import type { Container } from './records.ts';

/** How a container is attached: the steps, and its address on the bridge. */
export interface Attachment {
  readonly steps: NetworkSteps | undefined;
  readonly address: string | undefined;
}

export function networkOf(_engine: Engine, _container: Container): Attachment {
  return { steps: undefined, address: undefined };
}
