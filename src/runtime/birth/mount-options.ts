import type { FlagName } from '../../linux/abi/flags.ts';

/** A mount's options, sorted by who understands them. */
export interface MountOptions {
  /** A bind mount, and whether with what is mounted below the source. */
  readonly bind: false | 'bind' | 'rbind';
  /** Attributes of the mount: MOUNT_ATTR_*. */
  readonly attributes: readonly FlagName[];
  /** Those of them that also hold for what is mounted below (`rro`, `rnosuid`, …). */
  readonly recursive: readonly FlagName[];
  /** MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE, and whether for what is mounted below. */
  readonly propagation: { readonly kind: FlagName; readonly recursive: boolean } | undefined;
  /** What the filesystem itself understands: `['mode', '755']`, `['newinstance', undefined]`. */
  readonly data: readonly (readonly [string, string | undefined])[];
}

/** Sorts the options of a mount. Source: runtime-spec `config.md`, mount(8), mount_setattr(2). */
export function mountOptions(options: readonly string[]): MountOptions {
  const attributes = new Map<string, FlagName>();
  const data: [string, string | undefined][] = [];
  let bind: MountOptions['bind'] = false;
  const below = new Map<string, FlagName>();
  let propagation: MountOptions['propagation'];
  for (const option of options) {
    const simple = option.startsWith('r') ? option.slice(1) : option;
    if (option === 'bind' || option === 'rbind') bind = option;
    else if (option in PROPAGATION)
      propagation = { kind: PROPAGATION[option] ?? 'MS_PRIVATE', recursive: false };
    else if (simple in PROPAGATION)
      propagation = { kind: PROPAGATION[simple] ?? 'MS_PRIVATE', recursive: true };
    else if (option in ATTRIBUTE) applyAttribute(attributes, option);
    else if (simple in ATTRIBUTE) applyAttribute(below, simple);
    else if (!IGNORED.has(option)) data.push(keyAndValue(option));
  }
  const recursive = [...below.values()];
  const all = new Set([...attributes.values(), ...recursive]);
  return { bind, attributes: [...all], recursive, propagation, data };
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

const PROPAGATION: Record<string, FlagName> = {
  private: 'MS_PRIVATE',
  shared: 'MS_SHARED',
  slave: 'MS_SLAVE',
  unbindable: 'MS_UNBINDABLE',
};

/** The kernel's defaults, which need no flag, and what only mount(8) understands. */
const IGNORED = new Set([
  'defaults',
  'async',
  'loud',
  'norelatime',
  'nostrictatime',
  'newinstance',
]);

function keyAndValue(option: string): [string, string | undefined] {
  const at = option.indexOf('=');
  return at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
}
