export { type Aside, unpackAside } from './aside.ts';
export { type UnpackOptions, unpackLayer } from './unpack.ts';
