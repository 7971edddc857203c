/**
 * Derives what a receiver accepts from the strict schema of a contract. Unknown fields are dropped at any depth
 * instead of refused. So a newer sender may send more than an older receiver knows. Both schemas refuse a missing
 * field, a wrong type and an unknown enum value.
 */
import { z } from "zod";

type Schema = z.core.$ZodType;

const derived = new WeakMap<Schema, Schema>();

/**
 * The tolerant form of a schema. The result is cached, and the tolerant form of a tolerant schema is itself. Objects
 * that are not strict stay unchanged.
 * @throws for a union of several objects without a discriminator: dropped fields could decide which object is meant
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
 * A value that this node's contract does not know: of an enum, or as a kind of object. Usually a newer node wrote it.
 * The message or actor is left for a newer node and not given up.
 */
export class UnknownValueError extends Error {
  override readonly name = "UnknownValueError";
}

/**
 * Reads data that another version may have written.
 * @param what names it in an error
 * @throws {UnknownValueError} where a newer version may understand it; ZodError where no version would
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
 * The value with the present names of its outermost fields. A renamed field has `.meta({ "x-formerly": "name" })`.
 * Returns the same value where nothing was renamed.
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
  const def = schema._zod.def as Def;
  if (def.type === "union") return (def.options as Schema[]).flatMap(renamesOf);
  if (def.type !== "object") return [];
  return Object.entries(def.shape as Record<string, Schema>).flatMap(([present, field]) => {
    const former = z.globalRegistry.get(field)?.["x-formerly"];
    return typeof former === "string" ? [[former, present] as const] : [];
  });
}

/** The known part of an answer. All of it where it does not fit, because older nodes leave out newer fields. */
export function knownPart<T>(schema: z.ZodType<T>, value: T): T {
  const parsed = tolerant(schema).safeParse(value);
  return parsed.success ? parsed.data : value;
}

const isUnknownValue = (issue: z.core.$ZodIssue): boolean =>
  issue.code === "invalid_value" ||
  (issue.code === "invalid_union" && "discriminator" in issue && issue.discriminator !== undefined);

type Def = z.core.$ZodTypeDef & Record<string, unknown>;
type Changes = Record<string, unknown>;

function derive(schema: Schema): Schema {
  const def = schema._zod.def as Def;
  const changes = changesOf(def);
  if (Object.keys(changes).length === 0) return schema;
  // Some defaults are getters and must stay getters.
  const descriptors = Object.getOwnPropertyDescriptors(def);
  for (const [key, value] of Object.entries(changes))
    descriptors[key] = { value, writable: true, enumerable: true, configurable: true };
  return z.core.clone(schema, Object.defineProperties({} as Def, descriptors));
}

/** The parts of a definition that are schemas, made tolerant. Only those that differ. */
function changesOf(def: Def): Changes {
  if (def.type === "object") return objectChanges(def);
  // A lazy schema may refer to itself. So its inner schema is derived on first use.
  if (def.type === "lazy") {
    const getter = def.getter as () => Schema;
    return { getter: () => tolerant(getter()), _cachedInner: undefined };
  }
  if (def.type === "union" && !def.discriminator) checkUnion(def.options as Schema[]);
  const changes: Changes = {};
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

function objectChanges({ shape, catchall }: Def): Changes {
  const fields = shape as Record<string, Schema>;
  const made = {};
  // Getters, because a field may have the type of its own object.
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
  const def = schema._zod.def as Def;
  if (def.type === "object" || def.type === "record" || def.type === "intersection") return true;
  if (def.type === "union") return (def.options as Schema[]).some(isObject);
  const inner = def.type === "lazy" ? (def.getter as () => Schema)() : (def.innerType ?? def.in);
  return isSchema(inner) && isObject(inner);
}

const isSchema = (value: unknown): value is Schema => value instanceof z.core.$ZodType;
const typeOf = (schema: Schema): string => schema._zod.def.type;
