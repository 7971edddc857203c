/**
 * Large records that change by one key at a time, such as the holds of a popular SKU. An ordinary copy with one more
 * key costs as much as there are keys. {@link withKey} and {@link withoutKey} return a record that shares all other
 * keys with the original. Their cost does not depend on the number of keys.
 *
 * The result behaves like a plain frozen record, and so does each earlier record. The newest version holds the
 * entries. An older one knows how it differs from the next (Baker's persistent arrays). Code that uses only the
 * newest version never pays for older ones.
 */

type Value = NonNullable<unknown> | null;
type Keyed<V> = Readonly<Record<string, V>>;

/** One record. It has the entries itself, or it equals `next` except for one key. */
class Version {
  entries: Map<string, Value> | undefined;
  next: Version | undefined;
  /** The key in which it differs from `next`. The value is undefined where it does not have the key. */
  key = "";
  value: Value | undefined;

  constructor(entries: Map<string, Value>) {
    this.entries = entries;
  }

  get(key: string): Value | undefined {
    let version: Version = this;
    while (version.next) {
      if (version.key === key) return version.value;
      version = version.next;
    }
    return version.entries?.get(key);
  }

  /**
   * Moves the entries from the newest version to this one. The versions in between record how they differ from this
   * one.
   */
  take(): Map<string, Value> {
    const path: Version[] = [];
    let newest: Version = this;
    for (; newest.next; newest = newest.next) path.push(newest);
    const { entries } = newest;
    if (!entries) throw new Error("a shared record has lost its entries");
    for (const version of path.reverse()) {
      const { key, value, next } = version;
      if (!next) throw new Error("a shared record has lost its successor");
      next.key = key;
      next.value = entries.get(key);
      next.next = version;
      next.entries = undefined;
      set(entries, key, value);
      version.next = undefined;
      version.value = undefined;
      version.entries = entries;
    }
    return entries;
  }

  /** A version that differs in this key. */
  with(key: string, value: Value | undefined): Version {
    const entries = this.take();
    const made = new Version(entries);
    this.next = made;
    this.key = key;
    this.value = entries.get(key);
    this.entries = undefined;
    set(entries, key, value);
    return made;
  }

  /** The entries, for reading only. Do not keep them. */
  view(): ReadonlyMap<string, Value> {
    if (this.entries) return this.entries;
    const path: Version[] = [];
    let newest: Version = this;
    for (; newest.next; newest = newest.next) path.push(newest);
    const view = new Map(newest.entries);
    for (const { key, value } of path.reverse()) set(view, key, value);
    return view;
  }
}

function set(entries: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
}

const versions = new WeakMap<object, Version>();

const refuse = (): never => {
  throw new TypeError("a state can't be changed: a decision returns a new one");
};

/**
 * Makes a version look like a plain record. The proxy's target is an empty object, so it can't be frozen and need not
 * be.
 */
class PlainRecordHandler implements ProxyHandler<object> {
  readonly #version: Version;

  constructor(version: Version) {
    this.#version = version;
  }

  get(target: object, key: string | symbol): unknown {
    const own = typeof key === "string" ? this.#version.get(key) : undefined;
    return own === undefined ? Reflect.get(target, key) : own;
  }

  has(target: object, key: string | symbol): boolean {
    return (typeof key === "string" && this.#version.get(key) !== undefined) || Reflect.has(target, key);
  }

  ownKeys(): string[] {
    return [...this.#version.view().keys()];
  }

  getOwnPropertyDescriptor(_target: object, key: string | symbol): PropertyDescriptor | undefined {
    const value = typeof key === "string" ? this.#version.get(key) : undefined;
    return value === undefined ? undefined : { value, enumerable: true, configurable: true, writable: false };
  }

  set = refuse;
  defineProperty = refuse;
  deleteProperty = refuse;
  setPrototypeOf = refuse;
  preventExtensions = refuse;
}

function recordOf<V>(version: Version): Record<string, V> {
  const record = new Proxy({}, new PlainRecordHandler(version)) as Record<string, V>;
  versions.set(record, version);
  return record;
}

/** The record's version. A plain record is copied, which is the only time that all keys are walked. */
const versionOf = (record: object): Version =>
  versions.get(record) ?? new Version(new Map(Object.entries(record) as [string, Value][]));

/** The record with this value for the key. `record` stays as it is. */
export function withKey<V extends Value>(
  record: Keyed<V>,
  key: string,
  value: NoInfer<V>,
): Record<string, V> {
  const version = versionOf(record);
  return version.get(key) === value ? record : recordOf(version.with(key, value));
}

/** The record without the key. `record` stays as it is. */
export function withoutKey<V extends Value>(record: Keyed<V>, key: string): Record<string, V> {
  const version = versionOf(record);
  return version.get(key) === undefined ? record : recordOf(version.with(key, undefined));
}

/** Whether the record shares entries with others. */
export const isShared = (record: object): boolean => versions.has(record);

/**
 * The keys in which two related records may differ, without a walk over all keys. Undefined where their relation is
 * unknown.
 */
export function touchedKeys(before: object, after: object): ReadonlySet<string> | undefined {
  const [a, b] = [versions.get(before), versions.get(after)];
  if (!a || !b) return undefined;
  const [of, others] = [toNewest(a), toNewest(b)];
  return of.newest === others.newest ? new Set([...of.keys, ...others.keys]) : undefined;
}

function toNewest(version: Version): { newest: Version; keys: string[] } {
  const keys: string[] = [];
  let newest = version;
  for (; newest.next; newest = newest.next) keys.push(newest.key);
  return { newest, keys };
}
