import { HOST_ARCH } from './abi/arch.ts';
import { type Launched, type LaunchOptions, launchEncoded } from './launch.ts';
import { encode } from './plan/encode.ts';
import type { Plan } from './plan/index.ts';

/** Encodes a plan and starts a walker on it. @throws {ClocheError} `PLAN_INVALID`, and as `launchEncoded` */
export function launch(plan: Plan, options: LaunchOptions = {}): Launched {
  const { time } = options;
  return launchEncoded(encode(plan, options.through?.arch ?? HOST_ARCH, { time }), options);
}
