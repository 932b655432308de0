export { type Engine, openEngine } from './engine.ts';
export { exitCodeFor } from './errors.ts';
export { DEFAULT_OPTIONS, type RunOptions } from './options.ts';
export {
  containerSide,
  exposedPorts,
  hostSide,
  type PortBinding,
  type PortSpec,
  parseExpose,
  parsePublish,
  portsColumn,
} from './ports/index.ts';
export {
  allContainers,
  type Container,
  claimContainer,
  getContainer,
  releaseContainer,
} from './records.ts';
export { removeContainer } from './remove.ts';
export { isAlive, settleAll } from './settle.ts';
export {
  abandonContainer,
  createContainer,
  planContainer,
  type Started,
  type StartOptions,
  startContainer,
} from './start.ts';
