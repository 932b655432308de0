/** What plans are made of. What encodes, explains and breaks them is imported from its own file: it needs large tables. */
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
export type { EncodedPlan, EncodeOptions } from './encode.ts';
export type { ExplainedStep } from './explain.ts';
export { pauseOn } from './format.ts';
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
