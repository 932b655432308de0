import { lastCapability, ownCapabilities } from '../linux/capabilities.ts';
import { ownHardLimits } from '../linux/rlimits.ts';
import type { Machine } from './birth/process.ts';

/** What this machine allows, read from `/proc`. */
export function ownMachine(): Machine {
  return {
    capabilities: ownCapabilities(),
    lastCapability: lastCapability(),
    hardLimits: ownHardLimits(),
  };
}
