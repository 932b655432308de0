/**
 * Fields that docker's structures always have and its JSON, like ours, leaves out while they are empty.
 * A template may ask for them, as scripts do of all images: it gets Go's zero value then.
 */

/** Go's empty slice: `[]` in a template, and null in JSON. */
class NilList extends Array<never> {
  toJSON(): null {
    return null;
  }
}

/** Go's empty map: `map[]`, and null in JSON. */
class NilMap {
  toJSON(): null {
    return null;
  }
}

type Zero = string | number | boolean | null | NilList | NilMap | Zeros;
interface Zeros {
  readonly [field: string]: Zero;
}

const LIST = new NilList();
const MAP = new NilMap();
const NEVER = '0001-01-01 00:00:00 +0000 UTC';

/** Source: moby, api/types/container/config.go. */
const CONFIG: Zeros = {
  ...{ Hostname: '', Domainname: '', User: '', WorkingDir: '', Image: '', StopSignal: '' },
  ...{ Tty: false, OpenStdin: false, StdinOnce: false, ArgsEscaped: false },
  ...{ Env: LIST, Cmd: LIST, Entrypoint: LIST, OnBuild: LIST, Shell: LIST },
  ...{ ExposedPorts: MAP, Volumes: MAP, Labels: MAP, Healthcheck: null, StopTimeout: null },
};

/** Source: moby, api/types/image/image_inspect.go. */
const IMAGE: Zeros = {
  ...{ RepoTags: LIST, RepoDigests: LIST, Parent: '', Comment: '', DockerVersion: '' },
  ...{ Author: '', Variant: '', OsVersion: '', Metadata: { LastTagTime: NEVER } },
  ...{ Config: CONFIG, RootFS: { Layers: LIST } },
};

/** What cloche has no such thing for: it restarts nothing. */
const CONTAINER: Zeros = {
  ...{ RestartCount: 0, ExecIDs: LIST, Args: LIST, Mounts: LIST },
  State: { Restarting: false, Dead: false, Error: '' },
  HostConfig: { Binds: LIST, CapAdd: LIST, CapDrop: LIST, PortBindings: MAP },
  Config: CONFIG,
};

/** What a template gets of an image's or a container's inspection. JSON of it is as of the original. */
export function withZeros(shown: unknown): unknown {
  if (!isObject(shown)) return shown;
  if ('RootFS' in shown) return filled(shown, IMAGE);
  return 'State' in shown ? filled(shown, CONTAINER) : shown;
}

function filled(value: object, zeros: Zeros): object {
  const all: object = { ...value };
  for (const [field, zero] of Object.entries(zeros)) {
    const own = (value as Record<string, unknown>)[field];
    // What is not there is found by who asks for it, and listed to nobody.
    const enumerable = Object.hasOwn(value, field);
    Object.defineProperty(all, field, { value: orZero(own, zero), enumerable });
  }
  return all;
}

function orZero(own: unknown, zero: Zero): unknown {
  const isStructure = isObject(zero) && !(zero instanceof NilList) && !(zero instanceof NilMap);
  if (isStructure) return filled(isObject(own) ? own : {}, zero as Zeros);
  return own ?? zero;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
