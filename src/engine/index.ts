export { type Engine, openEngine } from './engine.ts';
export { exitCodeFor } from './errors.ts';
export { isAlive } from './life/processes.ts';
export {
  allContainers,
  type Container,
  claimContainer,
  getContainer,
  releaseContainer,
} from './life/records.ts';
export { removeContainer } from './life/remove.ts';
export { settleAll } from './life/settle.ts';
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
  abandonContainer,
  createContainer,
  planContainer,
  type Started,
  type StartOptions,
  startContainer,
} from './start/start.ts';
