export { exportSnapshot } from './export.ts';
export { type ImportOptions, importImage } from './import.ts';
export { type Loaded, type LoadOptions, loadImages } from './load.ts';
export { type ArchiveFormat, saveImages } from './save.ts';
