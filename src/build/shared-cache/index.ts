export { CACHE_KEY, type DoneStep, inlineDocument } from './document.ts';
export { exportCaches } from './export.ts';
export { openCaches, type SharedCache } from './import.ts';
export { type CacheSource, type CacheTarget, readCacheFrom, readCacheTo } from './spec.ts';
