import { HOST_ARCH } from '../../linux/abi/arch.ts';
import { DEFAULT_CAPABILITIES } from '../../linux/capabilities.ts';
import { compile, defaultPolicy } from '../../linux/seccomp/index.ts';

/**
 * The filter of a container with the usual capabilities. `bin/bundle.ts` puts its bytes here, so that
 * most commands compile none.
 */
export const DEFAULT_FILTER: Uint8Array = compile(
  defaultPolicy(DEFAULT_CAPABILITIES),
  HOST_ARCH,
).program;
