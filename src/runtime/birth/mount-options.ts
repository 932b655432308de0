import type { FlagName } from '../../linux/abi/flags.ts';

/** A mount's options, sorted by who understands them. */
export interface MountOptions {
  /** A bind mount, and whether with what is mounted below the source. */
  readonly bind: false | 'bind' | 'rbind';
  /** Attributes of the mount itself: MOUNT_ATTR_*. */
  readonly attributes: readonly FlagName[];
  /** What `rro`, `rnosuid`, `rrw`, … give to it and to all that is mounted below, and take from them. */
  readonly recursive: Changes;
  /** MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE, and whether for what is mounted below. */
  readonly propagation: { readonly kind: FlagName; readonly recursive: boolean } | undefined;
  /** A tmpfs begins with what lies below it. */
  readonly copyUp: boolean;
  /** What the filesystem itself understands: `['mode', '755']`, `['newinstance', undefined]`. */
  readonly data: readonly (readonly [string, string | undefined])[];
}

/** Attributes that are set, and such as are taken away. */
export interface Changes {
  readonly set: readonly FlagName[];
  readonly clear: readonly FlagName[];
}

/** Sorts the options of a mount. Source: runtime-spec `config.md`, mount(8), mount_setattr(2). */
export function mountOptions(options: readonly string[]): MountOptions {
  const attributes = new Map<string, FlagName>();
  const data: [string, string | undefined][] = [];
  let bind: MountOptions['bind'] = false;
  const recursive = new Map<string, FlagName | undefined>();
  let copyUp = false;
  let propagation: MountOptions['propagation'];
  for (const option of options) {
    const simple = option.startsWith('r') ? option.slice(1) : option;
    if (option === 'bind' || option === 'rbind') bind = option;
    else if (option === 'tmpcopyup') copyUp = true;
    else if (option in PROPAGATION)
      propagation = { kind: PROPAGATION[option] ?? 'MS_PRIVATE', recursive: false };
    else if (simple in PROPAGATION)
      propagation = { kind: PROPAGATION[simple] ?? 'MS_PRIVATE', recursive: true };
    else if (option in ATTRIBUTE) applyAttribute(attributes, option);
    else if (simple in ATTRIBUTE) recursive.set(...(ATTRIBUTE[simple] ?? ['', undefined]));
    else if (!IGNORED.has(option)) data.push(keyAndValue(option));
  }
  return {
    ...{ bind, propagation, data, copyUp },
    attributes: [...attributes.values()],
    recursive: changesOf(recursive),
  };
}

function changesOf(kinds: ReadonlyMap<string, FlagName | undefined>): Changes {
  const all = [...kinds];
  return {
    set: all.flatMap(([, flag]) => flag ?? []),
    clear: all.flatMap(([kind, flag]) => (flag === undefined ? (CLEARED[kind] ?? []) : [])),
  };
}

/** `noexec` sets what `exec` takes back; the later one wins. Keyed by the kind of attribute. */
function applyAttribute(attributes: Map<string, FlagName>, option: string) {
  const attribute = ATTRIBUTE[option];
  if (attribute === undefined) return;
  const [kind, flag] = attribute;
  if (flag === undefined) attributes.delete(kind);
  else attributes.set(kind, flag);
}

const ATTRIBUTE: Record<string, readonly [string, FlagName | undefined]> = {
  ro: ['ro', 'MOUNT_ATTR_RDONLY'],
  rw: ['ro', undefined],
  nosuid: ['suid', 'MOUNT_ATTR_NOSUID'],
  suid: ['suid', undefined],
  nodev: ['dev', 'MOUNT_ATTR_NODEV'],
  dev: ['dev', undefined],
  noexec: ['exec', 'MOUNT_ATTR_NOEXEC'],
  exec: ['exec', undefined],
  noatime: ['atime', 'MOUNT_ATTR_NOATIME'],
  atime: ['atime', undefined],
  relatime: ['atime', undefined],
  strictatime: ['atime', 'MOUNT_ATTR_STRICTATIME'],
  nodiratime: ['diratime', 'MOUNT_ATTR_NODIRATIME'],
  diratime: ['diratime', undefined],
  nosymfollow: ['symfollow', 'MOUNT_ATTR_NOSYMFOLLOW'],
  symfollow: ['symfollow', undefined],
};

/** The flags that are taken away where a kind of attribute is to be as it is by itself. */
const CLEARED: Record<string, FlagName> = {
  ro: 'MOUNT_ATTR_RDONLY',
  suid: 'MOUNT_ATTR_NOSUID',
  dev: 'MOUNT_ATTR_NODEV',
  exec: 'MOUNT_ATTR_NOEXEC',
  atime: 'MOUNT_ATTR__ATIME',
  diratime: 'MOUNT_ATTR_NODIRATIME',
  symfollow: 'MOUNT_ATTR_NOSYMFOLLOW',
};

const PROPAGATION: Record<string, FlagName> = {
  private: 'MS_PRIVATE',
  shared: 'MS_SHARED',
  slave: 'MS_SLAVE',
  unbindable: 'MS_UNBINDABLE',
};

/**
 * The kernel's defaults, which need no flag; what only mount(8) understands; and flags of mount(2) that a
 * filesystem made by fsopen(2) has by itself or not at all.
 */
const IGNORED = new Set([
  ...['defaults', 'async', 'loud', 'silent', 'norelatime', 'nostrictatime', 'newinstance'],
  ...['acl', 'noacl', 'iversion', 'noiversion'],
]);

function keyAndValue(option: string): [string, string | undefined] {
  const at = option.indexOf('=');
  return at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
}
