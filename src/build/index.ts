export { withAgents } from './agents.ts';
export { type BuildOptions, explainBuild } from './build.ts';
export { forgetRuns } from './cache.ts';
export { configOfChanges } from './changes.ts';
export type { Checked } from './check.ts';
export { withContext } from './contexts/fetched.ts';
export { withNamedContexts } from './contexts/named.ts';
export type { Explained } from './explain/explain.ts';
export {
  buildEach,
  buildImage,
  type DescribedImage,
  type Export,
  type ImageForm,
  toClient,
  toFiles,
  toImage,
} from './exporters.ts';
export type { HostEntry, Surroundings } from './graph.ts';
export { type FileDress, type LayeredMount, type ReadyMount, readSecrets } from './mounts/index.ts';
export { type Output, readOutput } from './output/spec.ts';
export { keepsGitDir } from './predefined.ts';
export { type BuildEvent, type OnEvent, plainPrinter } from './progress.ts';
export { type BuildRecord, forgetRecords, lastBuilds, type StepRecord } from './record.ts';
export { type RunCommand, type RunSpec, runFailure } from './run.ts';
export { readCacheFrom, readCacheTo } from './shared-cache/index.ts';
