import {
  bytes,
  call,
  flags,
  mode,
  result,
  type Step,
  text,
  type Value,
} from '../../linux/plan/index.ts';
import { filesystemSteps } from './mounts.ts';
import { attach } from './paths.ts';

/**
 * Files for a container that no disk shall ever have: in a tmpfs which only init's mount namespace
 * knows. A bind mount of the spec shows one by its name below `directory`.
 */
export interface MemoryFiles {
  /** A directory of the host over which the tmpfs lies, until init gives up the host's root. */
  readonly directory: string;
  readonly files: readonly MemoryFile[];
}

export interface MemoryFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Makes the files; before the mounts that show them, and in a mount namespace that is init's own. What
 * is in them comes with the plan, which is in memory too, and is not said when it is explained.
 */
export function memorySteps({ directory, files }: MemoryFiles): Step[] {
  const [made, place] = [result('memory'), result('place')];
  const options = { attributes: ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV'], data: [] } as const;
  return [
    ...filesystemSteps('tmpfs', 'tmpfs', options, made),
    ...files.flatMap((file) => fileSteps(made, file)),
    call(
      'openat',
      [flags('AT_FDCWD'), text(directory), flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC'), 0],
      'where binds will look for them',
      { save: place },
    ),
    attach(made, place, 'nobody else sees it there'),
  ];
}

function fileSteps(directory: Value, { name, content, uid, gid, mode: bits }: MemoryFile): Step[] {
  const fd = result('memory file');
  const open = flags('O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_CLOEXEC');
  return [
    call('openat', [directory, text(name), open, mode(0o600)], 'a file that is never on a disk', {
      save: fd,
    }),
    ...(content.length === 0
      ? []
      : [
          call('write', [fd, bytes(content, `${content.length} bytes`), content.length], 'fill it'),
        ]),
    call('fchown', [fd, uid, gid], 'it belongs to who shall read it'),
    call('fchmod', [fd, mode(bits)], 'and to nobody else'),
    call('close', [fd], 'it is whole'),
  ];
}
