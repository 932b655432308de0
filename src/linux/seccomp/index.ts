export { compile, type Filter } from './compile.ts';
export { defaultPolicy } from './default-policy.ts';
export { type Call, evaluate } from './evaluate.ts';
export type { Action, Comparison, Condition, Policy, Rule } from './policy.ts';
export { filterSteps, seccompSteps } from './steps.ts';
