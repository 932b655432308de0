export { breakStep } from './break.ts';
export {
  block,
  buffer,
  bytes,
  call,
  flags,
  jump,
  label,
  mode,
  plan,
  pointer,
  result,
  type StepAbout,
  text,
  texts,
  value,
  within,
} from './compose.ts';
export { type EncodedPlan, type EncodeOptions, encode } from './encode.ts';
export { type ExplainedStep, explain, explainStep } from './explain.ts';
export type {
  Arg,
  Block,
  Flags,
  Jump,
  JumpCondition,
  Mode,
  Part,
  Plan,
  Pointer,
  Step,
  Value,
} from './step.ts';
