import { ClocheError } from '../../error.ts';
import type { FlagName } from '../../linux/abi/flags.ts';
import {
  block,
  call,
  flags,
  pointer,
  result,
  type Step,
  text,
  type Value,
} from '../../linux/plan/index.ts';
import type { Mount } from '../spec.ts';
import { copyUpSteps } from './copy-up.ts';
import { type Changes, type MountOptions, mountOptions } from './mount-options.ts';
import { attach, openOrMake } from './paths.ts';

/** Whether the source of a bind mount is a directory or something else; looked up beforehand. */
export type SourceKind = (source: string) => 'directory' | 'file';

/**
 * The steps of one entry of `mounts`: make the mount detached, open or make its mount point inside
 * the root, attach one to the other. Nothing is ever mounted onto a path.
 */
export function mountSteps(root: Value, mount: Mount, sourceKind: SourceKind): Step[] {
  const options = mountOptions(mount.options ?? []);
  const made = result(`mnt:${mount.destination}`);
  const place = result('place');
  const bind = options.bind !== false || mount.type === 'bind';
  const source = mount.source ?? '';
  if (bind && source === '')
    throw new ClocheError(
      'SPEC_INVALID',
      `the bind mount at '${mount.destination}' has no source`,
      {
        class: 'invalid-argument',
      },
    );
  if (options.copyUp) return copyUpSteps(root, mount.destination, mount.source, flat(options));
  return [
    ...(bind
      ? bindSteps(source, options, made)
      : filesystemSteps(mount.type ?? 'none', mount.source, flat(options), made)),
    ...openOrMake(root, mount.destination, bind ? sourceKind(source) : 'directory', place),
    attach(made, place, `show it at ${mount.destination}`),
    // A filesystem of our own has no peers, the copy of a mount has those of the mount.
    ...(bind || options.propagation?.kind !== 'MS_PRIVATE'
      ? propagationSteps(made, mount.destination, options)
      : []),
  ];
}

/** Below what is mounted anew there is nothing. */
function flat({ attributes, recursive, ...options }: MountOptions): MountOptions {
  const none: Changes = { set: [], clear: [] };
  return { ...options, attributes: [...attributes, ...recursive.set], recursive: none };
}

/** A new filesystem, configured and mounted nowhere. Source: fsopen(2), fsconfig(2), fsmount(2). */
export function filesystemSteps(
  type: string,
  source: string | undefined,
  options: Pick<MountOptions, 'attributes' | 'data'>,
  made: Value,
): Step[] {
  const context = result(`fs:${type}`);
  const set = (key: string, value: string | undefined) =>
    value === undefined
      ? call('fsconfig', [context, flags('FSCONFIG_SET_FLAG'), text(key), 0, 0], `option ${key}`)
      : call(
          'fsconfig',
          [context, flags('FSCONFIG_SET_STRING'), text(key), text(value), 0],
          `option ${key}=${value}`,
        );
  return [
    call('fsopen', [text(type), flags('FSOPEN_CLOEXEC')], `begin a new ${type}`, { save: context }),
    ...(source === undefined || source === '' ? [] : [set('source', source)]),
    ...options.data.map(([key, value]) => set(key, value)),
    call('fsconfig', [context, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], `create the ${type}`),
    call(
      'fsmount',
      [context, flags('FSMOUNT_CLOEXEC'), flags(...options.attributes)],
      `mount the ${type}, attached nowhere yet`,
      { save: made },
    ),
  ];
}

/** A copy of what is mounted at `source`, attached nowhere. Source: open_tree(2). */
export function bindSteps(
  source: string,
  options: Pick<MountOptions, 'bind' | 'attributes'> & Partial<Pick<MountOptions, 'recursive'>>,
  made: Value,
): Step[] {
  const names: FlagName[] = ['OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC'];
  if (options.bind === 'rbind') names.push('AT_RECURSIVE');
  const clone = call(
    'open_tree',
    [flags('AT_FDCWD'), text(source), flags(...names)],
    `take a copy of the mount at ${source}`,
    { save: made },
  );
  const { attributes, recursive = { set: [], clear: [] } } = options;
  return [
    clone,
    ...(recursive.set.length + recursive.clear.length === 0
      ? []
      : [changeAttributes(made, recursive, true)]),
    ...(attributes.length === 0 ? [] : [setAttributes(made, attributes, false)]),
  ];
}

/** Gives a mount attributes, by its fd. Source: mount_setattr(2). */
export function setAttributes(
  mount: Value,
  attributes: readonly FlagName[],
  recursive: boolean,
): Step {
  return changeAttributes(mount, { set: attributes, clear: [] }, recursive);
}

function changeAttributes(mount: Value, { set, clear }: Changes, recursive: boolean): Step {
  // One of the kinds of atime takes the place of another.
  const replaced: FlagName[] = set.some((name) => name.endsWith('ATIME'))
    ? ['MOUNT_ATTR__ATIME']
    : [];
  const cleared = [...clear.filter((name) => !replaced.includes(name)), ...replaced];
  const attr = block(
    'mount_attr',
    [flags(...set), cleared.length === 0 ? 0 : flags(...cleared), 0, 0],
    { shown: shownChanges(set, clear) },
  );
  const how: FlagName[] = recursive ? ['AT_EMPTY_PATH', 'AT_RECURSIVE'] : ['AT_EMPTY_PATH'];
  const words = (names: readonly FlagName[]) =>
    names.map((name) => name.replace('MOUNT_ATTR_', '').toLowerCase());
  const said = [...words(set), ...words(clear).map((word) => `no more ${word}`)];
  return call(
    'mount_setattr',
    [mount, text(''), flags(...how), pointer(attr), 32],
    `make it ${said.join(', ')}`,
  );
}

function shownChanges(set: readonly FlagName[], clear: readonly FlagName[]): string {
  const parts = [
    ...(set.length === 0 ? [] : [`set=${set.join('|')}`]),
    ...(clear.length === 0 ? [] : [`clr=${clear.join('|')}`]),
  ];
  return `{${parts.join(', ')}}`;
}

function propagationSteps(mount: Value, destination: string, options: MountOptions): Step[] {
  if (options.propagation === undefined) return [];
  const { kind, recursive } = options.propagation;
  const attr = block('mount_attr', [0, 0, flags(kind), 0], { shown: `{propagation=${kind}}` });
  const how: FlagName[] = recursive ? ['AT_EMPTY_PATH', 'AT_RECURSIVE'] : ['AT_EMPTY_PATH'];
  return [
    call(
      'mount_setattr',
      [mount, text(''), flags(...how), pointer(attr), 32],
      `what is mounted below ${destination} propagates as ${kind}`,
    ),
  ];
}
