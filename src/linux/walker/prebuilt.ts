import { HOST_ARCH } from '../abi/arch.ts';
import { walkerFile } from './elf.ts';

/** The walker of this machine. `bin/bundle.ts` puts its bytes here, so that no command assembles it. */
export const WALKER: Uint8Array = walkerFile(HOST_ARCH);
