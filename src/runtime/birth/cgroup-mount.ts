import type { CgroupFolder } from '../../linux/cgroup/index.ts';
import { call, flags, mode, result, type Step, text, type Value } from '../../linux/plan/index.ts';
import type { Mount } from '../spec.ts';
import { mountOptions } from './mount-options.ts';
import { bindSteps, filesystemSteps, setAttributes } from './mounts.ts';
import { attach, openOrMake } from './paths.ts';

/**
 * A mount of type `cgroup`: the container's own groups, and nothing above them. With v2 alone that is
 * one directory; with v1 a tmpfs in which each hierarchy has one, under its usual name, and those of
 * several controllers a link for each. Source: runtime-spec `config-linux.md`, "Default Filesystems".
 *
 * The directories are bound from the host's tree, so it needs no cgroup namespace; in one, each is
 * its root.
 */
export function cgroupMountSteps(
  root: Value,
  mount: Mount,
  folders: readonly CgroupFolder[],
): Step[] {
  const v1 = folders.filter(({ version }) => version === 1);
  const [unified] = folders;
  const { attributes } = mountOptions(mount.options ?? []);
  const bind = (directory: string, made: Value) =>
    bindSteps(directory, { bind: 'bind', attributes }, made);
  const place = result('place');
  const made = result(`mnt:${mount.destination}`);
  const show = [
    ...openOrMake(root, mount.destination, 'directory', place),
    attach(made, place, `show it at ${mount.destination}`),
  ];
  if (v1.length === 0)
    return unified === undefined ? [] : [...bind(unified.directory, made), ...show];
  const writable = attributes.filter((name) => name !== 'MOUNT_ATTR_RDONLY');
  const readonly = writable.length < attributes.length;
  return [
    ...filesystemSteps('tmpfs', 'tmpfs', { attributes: writable, data: [['mode', '755']] }, made),
    ...show,
    ...v1.flatMap(({ name, directory }) => {
      const group = result(`cgroup:${name}`);
      return [...bind(directory, group), ...placeSteps(made, name, group)];
    }),
    ...(readonly ? [setAttributes(made, ['MOUNT_ATTR_RDONLY'], false)] : []),
  ];
}

/** A hierarchy into the tmpfs, and a link for each controller of several. */
function placeSteps(tmpfs: Value, name: string, group: Value): Step[] {
  const place = result('place');
  const controllers = name.split(',');
  return [
    call('mkdirat', [tmpfs, text(name), mode(0o755)], `a place for ${name}`),
    call('openat', [tmpfs, text(name), flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC'), 0], 'there', {
      save: place,
    }),
    attach(group, place, `the container's own ${name}`),
    ...(controllers.length < 2 ? [] : controllers).map((one) =>
      call('symlinkat', [text(name), tmpfs, text(one)], `${one} is one of them`),
    ),
  ];
}
