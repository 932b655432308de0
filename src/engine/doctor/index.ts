export { type Finding, judge } from './findings.ts';
export { readMachine } from './readings.ts';
