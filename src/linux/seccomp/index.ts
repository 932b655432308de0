export { compile, type Filter } from './compile.ts';
export { defaultPolicy } from './default-policy.ts';
export { type Call, evaluate } from './evaluate.ts';
export {
  type Action,
  type Comparison,
  type Condition,
  isAskedAbout,
  type Policy,
  type Rule,
} from './policy.ts';
export { FLAGS, filterSteps, type Loading, seccompSteps } from './steps.ts';
export { ACTIONS, COMPARISONS } from './validate.ts';
