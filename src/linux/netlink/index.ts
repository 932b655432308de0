export { type IpAddress, macOf, parseIp, parseMac } from './address.ts';
export type { Chunk, Known } from './message.ts';
export {
  addAddress,
  addDefaultRoute,
  createBridge,
  createVeth,
  deleteLink,
  type InterfaceAddress,
  type LinkSettings,
  setLink,
  type Veth,
} from './route.ts';
export { conversation, indexSteps, type Request, requestSteps } from './steps.ts';
