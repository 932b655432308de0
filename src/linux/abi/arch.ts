/** The architectures the walker is assembled for, by their names in `uname -m`. */
export type Arch = 'x86_64' | 'aarch64';

/** The architecture this process runs on. */
export const HOST_ARCH: Arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
