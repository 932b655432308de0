export { type IpAddress, macOf, parseIp, parseMac, versionOf } from './address.ts';
export {
  bridgeSteps,
  type ContainerNetwork,
  containerNetworkSteps,
  loopbackSteps,
  removeBridgeSteps,
  removeCableSteps,
} from './bridge.ts';
export { type ForwardChain, forwardQuery, readForwardChain } from './forward.ts';
export type { Chunk, Known } from './message.ts';
export type { NatBridge } from './nat.ts';
export {
  abandonedSteps,
  mapSteps,
  type Publication,
  publication,
  republishSteps,
} from './ports.ts';
export type { HostPort, PublishedPort } from './published.ts';
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
export { enableForwarding, enableLocalhost, hasIpv6, skipDuplicateDetection } from './sysctl.ts';
