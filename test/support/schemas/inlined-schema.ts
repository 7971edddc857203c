/** JSON Schema without references, for what goes through it by itself. */

type Json = { [key: string]: unknown };

/**
 * @param root what references lead into
 * @throws where one leads nowhere, or into itself
 */
export function inlined<T>(value: T, root: unknown, open: readonly string[] = []): T {
  if (Array.isArray(value)) return value.map((it) => inlined(it, root, open)) as T;
  if (typeof value !== "object" || value === null) return value;
  const { $ref, ...own } = value as Json;
  if (typeof $ref !== "string")
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, inlined(it, root, open)])) as T;
  if (open.includes($ref)) throw new Error(`${$ref} is part of itself`);
  const found = $ref
    .slice(2)
    .split("/")
    .reduce<unknown>((at, key) => (at as Json | undefined)?.[key], root);
  if (found === undefined) throw new Error(`${$ref} leads nowhere`);
  return { ...inlined(found as Json, root, [...open, $ref]), ...inlined(own, root, open) } as T;
}

/** Closes objects that accept only named fields. Parts of an intersection, and open objects, stay unchanged. */
export function closed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(closed) as T;
  if (typeof value !== "object" || value === null) return value;
  const schema = Object.fromEntries(
    Object.entries(value).map(([key, it]) => [key, key === "allOf" ? it : closed(it)]),
  );
  const isClosed = schema.type === "object" && schema.properties !== undefined;
  return { ...(isClosed ? { additionalProperties: false } : {}), ...schema } as T;
}
