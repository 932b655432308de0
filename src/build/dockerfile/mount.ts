import { posix } from 'node:path';
import { suggest } from '../../suggest.ts';
import { splitCsv } from './csv.ts';

/**
 * What one `--mount` of RUN asks for, its variables put in and the reference's defaults filled in.
 * `from` is a stage's name or number, an image or a named context; without it `bind` means the build
 * context and `cache` begins empty. Targets may be relative: to WORKDIR.
 */
export type RunMount =
  | (Files & { readonly type: 'bind' })
  | (Files & FileOwner & CacheAbout)
  /** `size` in bytes. */
  | { readonly type: 'tmpfs'; readonly target: string; readonly size: number | undefined }
  | SecretMount
  | (FileOwner & {
      readonly type: 'ssh';
      readonly id: string;
      /** Of the agent's socket; undefined: `/run/buildkit/ssh_agent.N`. */
      readonly target: string | undefined;
      readonly required: boolean;
    });

interface Files {
  readonly target: string;
  /** Absolute, in what it is taken from. */
  readonly source: string;
  readonly from: string | undefined;
  readonly readonly: boolean;
}

interface CacheAbout {
  readonly type: 'cache';
  readonly id: string;
  readonly sharing: 'shared' | 'private' | 'locked';
}

export type SecretMount = FileOwner & {
  readonly type: 'secret';
  readonly id: string;
  /** Of the file; undefined where the secret is only a variable. */
  readonly target: string | undefined;
  /** The variable that holds it. */
  readonly env: string | undefined;
  readonly required: boolean;
};

interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** A `--mount` as it was written: keys in lower case, values with their variables. */
export interface MountFlag {
  readonly fields: readonly MountField[];
  readonly from: string | undefined;
}

type MountField = readonly [key: string, value: string | undefined];
type Type = RunMount['type'];

const TYPES: readonly Type[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'];
const SHARINGS = ['shared', 'private', 'locked'] as const;
const ALIASES: Readonly<Record<string, string>> = {
  ...{ src: 'source', dst: 'target', destination: 'target' },
  ...{ ro: 'readonly', rw: 'readwrite' },
};
const KEYS = [
  ...['type', 'from', 'source', 'target', 'readonly', 'readwrite', 'required', 'size', 'id'],
  ...['sharing', 'mode', 'uid', 'gid', 'env', ...Object.keys(ALIASES)],
];
const SWITCHES = ['readonly', 'readwrite', 'required'];

/**
 * Reads the words of a `--mount`; what their values mean is known once variables are
 * (`understandMount`). `from` decides which stages are needed and so has none.
 *
 * @throws {SyntaxError} an unknown key, one without a value, a variable in `from`.
 */
export function readMount(text: string): MountFlag {
  const fields = splitCsv(text).map((field): MountField => {
    const equals = field.indexOf('=');
    const said = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const key = ALIASES[said] ?? said;
    if (!KEYS.includes(said)) throw unknownKey(said, field);
    if (equals >= 0) return [key, field.slice(equals + 1)];
    if (!SWITCHES.includes(key))
      throw new SyntaxError(`invalid field '${field}' must be a key=value pair`);
    return [key, undefined];
  });
  const from = fields.findLast(([key]) => key === 'from')?.[1];
  if (from !== undefined && /\$./.test(from))
    throw new SyntaxError(
      "'from' doesn't support variable expansion, define alias stage instead: FROM … AS name",
    );
  return { fields, from: from === '' ? undefined : from };
}

/**
 * The mount that the words ask for.
 *
 * @param value expands a word's variables.
 * @throws {SyntaxError} a value that is none of its key's, a key that is none of its type's.
 * @see https://docs.docker.com/reference/dockerfile/#run---mount
 */
export function understandMount({ fields, from }: MountFlag, value: Expand): RunMount {
  const all = new Map(fields.map(([key, word]) => [key, word === undefined ? '' : value(word)]));
  const type = oneOf('mount type', all.get('type') ?? 'bind', TYPES);
  const readonly = fields.findLast(([key]) => key === 'readonly' || key === 'readwrite');
  return mountOf(type, {
    ...{ type, from, all },
    readonly: readonly === undefined ? undefined : readsOnly(readonly, value),
  });
}

type Expand = (word: string) => string;

interface Said {
  readonly type: Type;
  readonly from: string | undefined;
  readonly all: ReadonlyMap<string, string>;
  readonly readonly: boolean | undefined;
}

function mountOf(type: Type, said: Said): RunMount {
  const { all } = said;
  checkKeys(said);
  const target = all.get('target') || undefined;
  const source = all.get('source') || undefined;
  const required = all.has('required') && truth('required', all.get('required') || 'true');
  switch (type) {
    case 'bind':
      return { type, ...files(said, target, source, true) };
    case 'cache': {
      const about = { ...files(said, target, source), ...fileOwner(all, 0o755) };
      const sharing = oneOf('sharing value', all.get('sharing') ?? 'shared', SHARINGS);
      return { type, ...about, id: all.get('id') || clean(about.target), sharing };
    }
    case 'tmpfs':
      if (target === undefined) throw new SyntaxError('a tmpfs mount requires a target');
      return { type, target, size: all.has('size') ? byteCount(all.get('size') ?? '') : undefined };
    case 'secret':
      return secret(all, target, required);
    case 'ssh':
      if (source !== undefined) throw new SyntaxError('ssh does not support source');
      return { type, id: all.get('id') || 'default', target, required, ...fileOwner(all, 0o600) };
  }
}

function secret(
  all: ReadonlyMap<string, string>,
  target: string | undefined,
  required: boolean,
): SecretMount {
  const base = (path: string | undefined) => path?.split('/').findLast((name) => name !== '');
  const id = all.get('source') || all.get('id') || base(target);
  if (id === undefined) throw new SyntaxError('one of source, target required');
  const env = all.get('env') || undefined;
  const file = target ?? (env === undefined ? `/run/secrets/${base(id)}` : undefined);
  return { type: 'secret', id, target: file, env, required, ...fileOwner(all, 0o400) };
}

function files(
  { type, from, readonly }: Said,
  target: string | undefined,
  source = '/',
  isReadonly = false,
): Files {
  if (target === undefined) throw new SyntaxError(`a ${type} mount requires a target`);
  const whole = posix.resolve('/', source);
  return { target, source: whole, from, readonly: readonly ?? isReadonly };
}

function clean(path: string): string {
  return posix.join(path, '.').replace(/(.)\/$/, '$1');
}

function fileOwner(all: ReadonlyMap<string, string>, mode: number): FileOwner {
  return {
    uid: number('uid', all.get('uid'), 10) ?? 0,
    gid: number('gid', all.get('gid'), 10) ?? 0,
    mode: number('mode', all.get('mode'), 8) ?? mode,
  };
}

/** Keys that only some types know; the others are read and ignored, as BuildKit does. */
function checkKeys({ type, all }: Said): void {
  const only: Readonly<Record<string, readonly Type[]>> = {
    required: ['secret', 'ssh'],
    sharing: ['cache'],
    size: ['tmpfs'],
    env: ['secret'],
    ...Object.fromEntries(['mode', 'uid', 'gid'].map((key) => [key, ['cache', 'secret', 'ssh']])),
  };
  for (const key of all.keys())
    if (only[key]?.includes(type) === false)
      throw new SyntaxError(`unexpected key '${key}' for mount type '${type}'`);
}

function readsOnly([key, word]: MountField, value: Expand): boolean {
  const said = truth(key, word === undefined ? 'true' : value(word));
  return key === 'readonly' ? said : !said;
}

/** Go's `strconv.ParseBool`. */
function truth(key: string, value: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new SyntaxError(`invalid value for ${key}: ${value}`);
}

function number(key: string, value: string | undefined, base: 8 | 10): number | undefined {
  if (value === undefined) return undefined;
  const digits = base === 8 ? /^[0-7]{1,6}$/ : /^\d{1,10}$/;
  const read = Number.parseInt(value, base);
  if (!digits.test(value) || read > 0xffff_fffe)
    throw new SyntaxError(`invalid value ${value} for ${key}`);
  return read;
}

/** `64m`, `1.5GiB`, as docker's `RAMInBytes` reads them. */
function byteCount(value: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(value) ?? [];
  if (count === undefined) throw new SyntaxError(`invalid size: '${value}'`);
  return Math.floor(Number(count) * 1024 ** ' kmgtp'.indexOf(unit.toLowerCase() || ' '));
}

function oneOf<const T extends string>(what: string, value: string, all: readonly T[]): T {
  const found = all.find((one) => one === value.toLowerCase());
  if (found !== undefined) return found;
  const meant = suggest(value.toLowerCase(), all);
  const instead = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  throw new SyntaxError(`unsupported ${what} "${value}"${instead}`);
}

function unknownKey(key: string, field: string): SyntaxError {
  const meant = suggest(key, KEYS);
  const instead = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  return new SyntaxError(`unexpected key '${key}' in '${field}'${instead}`);
}
