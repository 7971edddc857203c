/**
 * Keeps fields of a stored state that are unknown here, because a newer node has written them. `receive` does not see
 * them. Its decision must not lose them.
 */

type Fields = Record<string, unknown>;

/** Fields that identify an array element after a change. */
const KEYS = ["id", "sku"] as const;

/**
 * The state to store after a step.
 * @param stored as it was read
 * @param known the known part of it
 * @param next the result of the step on `known`; an identical object has not changed
 */
export function withUnknown(stored: unknown, known: unknown, next: unknown): unknown {
  // The known part may have a default that is not stored.
  if (next === known) return stored === undefined ? next : stored;
  if (isObject(stored) && isObject(known) && isObject(next)) return inObject(stored, known, next);
  if (Array.isArray(stored) && Array.isArray(known) && Array.isArray(next) && stored.length === known.length)
    return inArray(stored, known, next);
  return next;
}

function inObject(stored: Fields, known: Fields, next: Fields): Fields {
  const fields = Object.entries(next).map(([key, value]): [string, unknown] => [
    key,
    Object.hasOwn(known, key) && Object.hasOwn(stored, key)
      ? withUnknown(stored[key], known[key], value)
      : value,
  ]);
  const unknown = Object.entries(stored).filter(
    ([key]) => !Object.hasOwn(known, key) && !Object.hasOwn(next, key),
  );
  return Object.fromEntries([...fields, ...unknown]);
}

/**
 * Elements correspond when they are unchanged, or have the same key. Without keys, they correspond by position in
 * arrays of equal length.
 */
function inArray(stored: readonly unknown[], known: readonly unknown[], next: readonly unknown[]): unknown[] {
  const places = new Map<unknown, number>();
  for (const [i, it] of known.entries()) {
    if (!isObject(it)) continue;
    places.set(it, i);
    const key = keyOf(it);
    if (key !== undefined) places.set(key, i);
  }
  return next.map((it, i) => {
    if (!isObject(it)) return it;
    const key = keyOf(it);
    const place = places.get(it) ?? (key === undefined ? undefined : places.get(key));
    const at = place ?? (key === undefined && next.length === known.length ? i : undefined);
    return at === undefined ? it : withUnknown(stored[at], known[at], it);
  });
}

function keyOf(it: Fields): string | undefined {
  for (const name of KEYS) if (typeof it[name] === "string") return `${name} ${it[name]}`;
  return undefined;
}

function isObject(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
