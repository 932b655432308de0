export { abandonPorts } from './abandon.ts';
export type { PortBinding } from './choose.ts';
export { containerSide, hostSide, portsColumn } from './show.ts';
export { type PortSpec, parseExpose, parsePublish } from './spec.ts';
export { exposedPorts, portsOf, portWarnings } from './wanted.ts';
