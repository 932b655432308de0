/**
 * What grows in a config by one instruction after the other: variables, labels, ports, volumes. A copy for each
 * instruction would take a time that grows with the square of their number; so what was made here, and has been
 * shown to nobody who keeps it, is added to in its place. What comes from elsewhere is copied, once.
 *
 * One serves for one stage, whose states are looked at one after the other.
 */
export class Growth {
  readonly #own = new WeakSet<object>();
  readonly #environments = new WeakMap<readonly string[], Environment>();

  /** With further keys; what was there keeps its place. */
  keys<V>(
    known: Readonly<Record<string, V>> | undefined,
    more: Iterable<readonly [string, V]>,
  ): Readonly<Record<string, V>> {
    const all = this.#taken(known, () => ({ ...known })) as Record<string, V>;
    const about = { enumerable: true, writable: true, configurable: true };
    // A label may be called `__proto__`.
    for (const [key, value] of more) Object.defineProperty(all, key, { ...about, value });
    return all;
  }

  entries<V>(
    known: ReadonlyMap<string, V>,
    more: Iterable<readonly [string, V]>,
  ): ReadonlyMap<string, V> {
    const all = this.#taken(known, () => new Map(known)) as Map<string, V>;
    for (const [key, value] of more) all.set(key, value);
    return all;
  }

  list<V>(known: readonly V[] | undefined, item: V): readonly V[] {
    const all = this.#taken(known, () => [...(known ?? [])]) as V[];
    all.push(item);
    return all;
  }

  /** `KEY=value`, with further variables; one that is set again keeps its place. */
  environment(
    known: readonly string[] | undefined,
    pairs: Iterable<readonly [string, string]>,
  ): readonly string[] {
    const all = this.#taken(known, () =>
      [...new Map((known ?? []).map(splitAtEquals))].map(([key, value]) => `${key}=${value}`),
    ) as string[];
    const places = this.#placesIn(all);
    for (const [key, value] of pairs) {
      const at = places.get(key)?.at ?? all.length;
      all[at] = `${key}=${value}`;
      places.set(key, { at, value });
    }
    return all;
  }

  /** What a variable is, of a config's `Env`. */
  variable(environment: readonly string[] | undefined, name: string): string | undefined {
    return environment === undefined ? undefined : this.#placesIn(environment).get(name)?.value;
  }

  #taken<T extends object>(known: T | undefined, copy: () => T): T {
    if (known !== undefined && this.#own.has(known)) return known;
    const made = copy();
    this.#own.add(made);
    return made;
  }

  #placesIn(environment: readonly string[]): Environment {
    const known = this.#environments.get(environment);
    if (known !== undefined) return known;
    const places: Environment = new Map();
    for (const [at, entry] of environment.entries()) {
      const [key, value] = splitAtEquals(entry);
      places.set(key, { at, value });
    }
    this.#environments.set(environment, places);
    return places;
  }
}

/** By its name, where a variable stands, and what it is. */
type Environment = Map<string, { readonly at: number; readonly value: string }>;

/** `A=b` → `A`, `b`. */
export function splitAtEquals(entry: string): [string, string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
