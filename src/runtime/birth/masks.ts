import {
  call,
  flags,
  jump,
  label,
  result,
  type Step,
  text,
  type Value,
} from '../../linux/plan/index.ts';
import { bindSteps, filesystemSteps, setAttributes } from './mounts.ts';
import { attach, openInRoot } from './paths.ts';

/**
 * Hides a path of the container: a directory under an empty read-only tmpfs, anything else under the
 * *host's* `/dev/null`. The container's own could have been replaced by a link to something that
 * must not be overwritten (CVE-2025-31133).
 */
export function maskSteps(root: Value, path: string): Step[] {
  const [file, directory, over] = [result('masked'), result('maskedDir'), result('mask')];
  const [isFile, done] = [{ name: 'file' }, { name: 'masked' }];
  return [
    openInRoot(root, path, ['O_PATH'], `look for ${path}`, { save: file, tolerate: ['ENOENT'] }),
    unlessThere(file, done, path),
    openInRoot(root, path, ['O_PATH', 'O_DIRECTORY'], `is ${path} a directory?`, {
      save: directory,
      tolerate: ['ENOTDIR'],
    }),
    call('value', [directory], 'if not, cover it with /dev/null', {
      jump: { on: 'negative', to: isFile },
    }),
    ...filesystemSteps('tmpfs', 'tmpfs', { attributes: ['MOUNT_ATTR_RDONLY'], data: [] }, over),
    attach(over, directory, `nobody inside shall look into ${path}`),
    jump(done, `${path} is hidden`),
    label(isFile, `${path} is no directory`),
    ...bindSteps('/dev/null', { bind: 'bind', attributes: [] }, over),
    attach(over, file, `nobody inside shall read ${path}`),
    label(done, `${path} is dealt with`),
  ];
}

/** Makes a path of the container read-only by mounting it onto itself. */
export function readonlySteps(root: Value, path: string): Step[] {
  const [place, copy] = [result('readonly'), result('copy')];
  const done = { name: 'readonly' };
  return [
    openInRoot(root, path, ['O_PATH'], `look for ${path}`, { save: place, tolerate: ['ENOENT'] }),
    unlessThere(place, done, path),
    call(
      'open_tree',
      [
        place,
        text(''),
        flags('AT_EMPTY_PATH', 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_RECURSIVE'),
      ],
      `a copy of the mount under ${path}`,
      { save: copy },
    ),
    setAttributes(copy, ['MOUNT_ATTR_RDONLY'], false),
    attach(copy, place, `nobody inside shall write to ${path}`),
    label(done, `${path} is dealt with`),
  ];
}

function unlessThere(fd: Value, skip: { name: string }, path: string): Step {
  return call('value', [fd], `nothing to do where there is no ${path}`, {
    jump: { on: 'negative', to: skip },
  });
}
