export { breakStep } from './break.ts';
export {
  block,
  buffer,
  bytes,
  call,
  flags,
  int32,
  jump,
  label,
  labelName,
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
export { type EncodedPlan, type EncodeOptions, encode, pauseOn } from './encode.ts';
export { type ExplainedStep, explain, explainStep } from './explain.ts';
export { cast, type Mould, mouldOf, nameless } from './mould.ts';
export {
  type Arg,
  type Block,
  type Flags,
  type Jump,
  type JumpCondition,
  type Label,
  type Mode,
  type Part,
  PLAN_HEADER,
  type Plan,
  type Pointer,
  type Step,
  type Target,
  type Value,
} from './step.ts';
