import { LIVE } from '../../image/layer/beneath.ts';
import { AT_REST, type Look } from '../../image/layer/scan.ts';
import { isAlive } from '../life/processes.ts';
import type { Container } from '../life/records.ts';

/** How a container's files are to be looked at. */
export function lookAt(container: Container): Look {
  return isAlive(container) ? LIVE : AT_REST;
}
