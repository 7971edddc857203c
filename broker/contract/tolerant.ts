/**
 * What a receiver takes, derived from the strict schema of a contract: the same, but fields that it does not know are left
 * out instead of refused, at any depth. So a newer sender may say more than an older receiver knows. What is missing, of
 * another type or an unknown value of an enum is refused by both.
 */
import { z } from "zod";

type Schema = z.core.$ZodType;

const derived = new WeakMap<Schema, Schema>();

/**
 * The tolerant form of a schema; the same each time, and of itself itself. Objects that are not strict stay as they are.
 * @throws where a union has several objects and no discriminator: which of them is meant could then depend on fields
 * that are left out
 */
export function tolerant<S extends Schema>(schema: S): S {
  let made = derived.get(schema);
  if (!made) {
    made = derive(schema);
    derived.set(schema, made);
    derived.set(made, made);
  }
  return made as S;
}

/**
 * A value that this node's contract does not know, of an enum or as a kind of object: as a rule a newer node's. What needs
 * it is left for a newer node, instead of being given up.
 */
export class UnknownValueError extends Error {
  override readonly name = "UnknownValueError";
}

/**
 * Reads what another version may have written.
 * @param what names it in an error
 * @throws {UnknownValueError} where a newer version may understand it; ZodError where none would
 */
export function parseReceived<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = tolerant(schema).safeParse(underPresentNames(schema, value));
  if (parsed.success) return parsed.data;
  if (!parsed.error.issues.every(isUnknownValue)) throw parsed.error;
  const places = parsed.error.issues.map((it) => it.path.join(".") || "it").join(", ");
  throw new UnknownValueError(`${what} has a value that is not known here: ${places}`, {
    cause: parsed.error,
  });
}

type Renames = readonly (readonly [former: string, present: string])[];

const renames = new WeakMap<Schema, Renames>();

/**
 * A value whose outermost fields have the names of now: a field says by `.meta({ "x-formerly": "name" })` what an earlier
 * release called it. The same value where nothing was renamed.
 */
export function underPresentNames(schema: Schema, value: unknown): unknown {
  let known = renames.get(schema);
  if (!known) {
    known = renamesOf(schema);
    renames.set(schema, known);
  }
  if (known.length === 0 || typeof value !== "object" || value === null) return value;
  const fields: Record<string, unknown> = { ...value };
  for (const [former, present] of known) {
    if (!Object.hasOwn(fields, former)) continue;
    if (!Object.hasOwn(fields, present)) fields[present] = fields[former];
    delete fields[former];
  }
  return fields;
}

function renamesOf(schema: Schema): Renames {
  const def = schema._zod.def as object as Def;
  if (def.type === "union") return (def.options as Schema[]).flatMap(renamesOf);
  if (def.type !== "object") return [];
  return Object.entries(def.shape as Record<string, Schema>).flatMap(([present, field]) => {
    const former = z.globalRegistry.get(field)?.["x-formerly"];
    return typeof former === "string" ? [[former, present] as const] : [];
  });
}

/** What is known here of an answer; all of it where it does not fit, as older nodes leave newer fields out. */
export function knownPart<T>(schema: z.ZodType<T>, value: T): T {
  const parsed = tolerant(schema).safeParse(value);
  return parsed.success ? parsed.data : value;
}

const isUnknownValue = (issue: z.core.$ZodIssue): boolean =>
  issue.code === "invalid_value" ||
  (issue.code === "invalid_union" && "discriminator" in issue && issue.discriminator !== undefined);

type Def = Record<string, unknown>;

function derive(schema: Schema): Schema {
  const def = schema._zod.def as object as Def;
  const changes = changesOf(def);
  if (Object.keys(changes).length === 0) return schema;
  // Some defaults are getters, which must stay such.
  const descriptors = Object.getOwnPropertyDescriptors(def);
  for (const [key, value] of Object.entries(changes))
    descriptors[key] = { value, writable: true, enumerable: true, configurable: true };
  return z.core.clone(schema, Object.defineProperties({}, descriptors) as never);
}

/** The parts of a definition that are other schemas, made tolerant; only those that differ. */
function changesOf(def: Def): Def {
  if (def.type === "object") return objectChanges(def);
  // A lazy schema may be about itself: its inner one is derived when it is first needed.
  if (def.type === "lazy") {
    const getter = def.getter as () => Schema;
    return { getter: () => tolerant(getter()), _cachedInner: undefined };
  }
  if (def.type === "union" && !def.discriminator) checkUnion(def.options as Schema[]);
  const changes: Def = {};
  for (const key of Object.keys(def)) {
    const value = key === "defaultValue" || key === "checks" ? undefined : def[key];
    if (isSchema(value)) {
      if (tolerant(value) !== value) changes[key] = tolerant(value);
    } else if (Array.isArray(value) && value.some(isSchema)) {
      const made = value.map((it) => (isSchema(it) ? tolerant(it) : it));
      if (made.some((it, i) => it !== value[i])) changes[key] = made;
    }
  }
  return changes;
}

function objectChanges({ shape, catchall }: Def): Def {
  const fields = shape as Record<string, Schema>;
  const made = {};
  // Getters, as a field may be of the type of its object.
  for (const key of Object.keys(fields))
    Object.defineProperty(made, key, {
      get: () => tolerant(fields[key] as Schema),
      enumerable: true,
      configurable: true,
    });
  const isStrict = isSchema(catchall) && typeOf(catchall) === "never";
  const others = isSchema(catchall) && !isStrict ? tolerant(catchall) : undefined;
  return { shape: made, catchall: others };
}

function checkUnion(options: readonly Schema[]): void {
  if (options.filter((it) => isObject(it)).length > 1)
    throw new TypeError("a union of objects needs a discriminator: z.discriminatedUnion");
}

function isObject(schema: Schema): boolean {
  const def = schema._zod.def as object as Def;
  if (def.type === "object" || def.type === "record" || def.type === "intersection") return true;
  if (def.type === "union") return (def.options as Schema[]).some(isObject);
  const inner = def.type === "lazy" ? (def.getter as () => Schema)() : (def.innerType ?? def.in);
  return isSchema(inner) && isObject(inner);
}

const isSchema = (value: unknown): value is Schema => value instanceof z.core.$ZodType;
const typeOf = (schema: Schema): string => schema._zod.def.type;
