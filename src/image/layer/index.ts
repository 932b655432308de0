export { type Aside, unpackAside } from './aside.ts';
export { clampTimes } from './times.ts';
export { type UnpackOptions, unpackLayer } from './unpack.ts';
