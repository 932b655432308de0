export { exportSnapshot, exportTree } from './export.ts';
export { type ImportOptions, importImage } from './import.ts';
export { writeLayout } from './layout.ts';
export { type Loaded, type LoadOptions, loadImages, loadLayout, openLayoutImage } from './load.ts';
export type { Source } from './open.ts';
export { type ArchiveFormat, archiveOf, saveImages, writeDirectory } from './save.ts';
