export { type IpAddress, macOf, parseIp, parseMac } from './address.ts';
export {
  bridgeSteps,
  type ContainerNetwork,
  containerNetworkSteps,
  enableForwarding,
  loopbackSteps,
  removeBridgeSteps,
} from './bridge.ts';
export { type ForwardChain, forwardQuery, readForwardChain } from './forward.ts';
export type { Chunk, Known } from './message.ts';
export type { NatBridge } from './nat.ts';
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
