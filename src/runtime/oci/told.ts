import type { Launched } from '../../linux/launch.ts';
import type { StateText } from '../birth/hooks.ts';

/** Writes into the plan's memory what somebody is told: a hook, or an agent. The shim waits for our word meanwhile. */
export function tell(launched: Launched, { text, length }: StateText, content: object): void {
  const bytes = Buffer.from(JSON.stringify(content));
  launched.write(text, bytes);
  launched.write(length, new Uint8Array(BigInt64Array.of(BigInt(bytes.length)).buffer));
}
