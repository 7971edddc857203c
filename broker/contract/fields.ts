/**
 * Fields that extensions add to other things, for example a note on an order. They are in `ext`, by the extension's name:
 * `{ loyalty: { giftNote: "…" } }`. A client's are checked strictly, by the schemas of the shop's extensions. Everywhere
 * else they are handed on as they are: whoever does not know an extension keeps what it has stored.
 */
import { z } from "zod";
import { CONDITIONS } from "./conditions.ts";
import { IN_SENTENCES } from "./sentences.ts";

/** Bytes of one extension's fields, as JSON. */
const MAX_BYTES = 4_096;
const MAX_EXTENSIONS = 20;
const MAX_DEPTH = 8;

export const EXTENSION_NAME = /^[a-z][a-z0-9-]{0,39}$/;
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,59}$/;

type Fields = Record<string, unknown>;
/** By the name of the extension. */
export type Ext = Record<string, Fields>;

/** What the extensions of a shop declare: by the kind of thing (`order`), then by the name of the extension. */
export type DeclaredFields = Readonly<Record<string, Readonly<Record<string, z.ZodObject>>>>;

const anyFields = () =>
  z
    .record(
      z.string().regex(EXTENSION_NAME, "must be the name of an extension"),
      z.record(z.string().regex(FIELD_NAME, "must be the name of a field"), z.unknown()),
    )
    .superRefine((value, context) => {
      const message = flawOf(value);
      if (message) context.addIssue({ code: "custom", message });
    })
    .meta({
      [CONDITIONS]: [`at most ${MAX_EXTENSIONS} extensions, ${MAX_BYTES} bytes of each, as plain data`],
    });

function flawOf(value: Ext): string | undefined {
  if (Object.keys(value).length > MAX_EXTENSIONS) return `must be of at most ${MAX_EXTENSIONS} extensions`;
  if (!isPlain(value, MAX_DEPTH)) return "must be plain data, with names that can be stored";
  const tooLarge = Object.values(value).some((it) => Buffer.byteLength(JSON.stringify(it)) > MAX_BYTES);
  return tooLarge ? `must have at most ${MAX_BYTES} bytes of each extension` : undefined;
}

/** JSON, without keys that a database would take for something else. */
function isPlain(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth === 0) return false;
  if (Array.isArray(value)) return value.every((it) => isPlain(it, depth - 1));
  return Object.entries(value).every(
    ([key, it]) => !/^\$|\.|\0|^_bsontype$/.test(key) && isPlain(it, depth - 1),
  );
}

/** Fields of whatever extensions, as they stand in messages and stored states. */
export const ext = anyFields().meta({ id: "Ext", description: "Fields of extensions, by their names" });

/** The kind of thing, by the schema of its fields. */
const things = new Map<object, string>();

/** Fields that clients send and are shown with one kind of thing. @param thing e.g. `order` */
export function extOf(thing: string): typeof ext {
  const schema = anyFields().meta({ description: "Fields of extensions, by their names" });
  things.set(schema, thing);
  return schema;
}

/** @throws where nothing takes fields of such a kind */
export function checkThings(fields: DeclaredFields): void {
  const known = new Set(things.values());
  const unknown = Object.keys(fields).find((it) => !known.has(it));
  if (unknown !== undefined)
    throw new Error(`nothing takes fields of ${unknown}; there are ${[...known].join(", ")}`);
}

/** What is declared for the things that this schema is of; undefined where it is of none. */
export function fieldsBehind(schema: object, declared: DeclaredFields): DeclaredFields[string] | undefined {
  const thing = things.get(schema);
  return thing === undefined ? undefined : (declared[thing] ?? {});
}

/** What is wrong with the fields that a client sends. */
export function fieldIssues(
  params: z.ZodType,
  given: Readonly<Record<string, unknown>>,
  declared: DeclaredFields,
): z.core.$ZodIssue[] {
  return extsIn(params, given, declared).flatMap(({ key, value, known }) =>
    Object.entries(value).flatMap(([name, fields]): z.core.$ZodIssue[] => {
      const schema = known[name];
      if (!schema) return [{ code: "unrecognized_keys", keys: [name], path: [key], message: "" }];
      const issues = schema.safeParse(fields, IN_SENTENCES).error?.issues ?? [];
      return issues.map((it) => ({ ...it, path: [key, name, ...it.path] }));
    }),
  );
}

/** The parameters with what the schemas of extensions make of their fields, such as texts without blanks around them. */
export function withFields<P extends Readonly<Record<string, unknown>>>(
  params: z.ZodType,
  given: P,
  declared: () => DeclaredFields,
): P {
  if (placesIn(params).length === 0) return given;
  const changes = extsIn(params, given, declared()).map(({ key, value, known }) => [
    key,
    Object.fromEntries(
      Object.entries(value).map(([name, fields]) => {
        const parsed = known[name]?.safeParse(fields);
        return [name, parsed?.success ? parsed.data : fields];
      }),
    ),
  ]);
  return changes.length === 0 ? given : { ...given, ...Object.fromEntries(changes) };
}

function extsIn(params: z.ZodType, given: Readonly<Record<string, unknown>>, declared: DeclaredFields) {
  return placesIn(params).flatMap(({ key, thing }) => {
    const value = given[key] as Ext | undefined;
    return value ? [{ key, value, known: declared[thing] ?? {} }] : [];
  });
}

interface Place {
  readonly key: string;
  readonly thing: string;
}

const places = new WeakMap<z.ZodType, readonly Place[]>();

/** Which parameters are fields of extensions: they stand at the top, in one object with the others. */
function placesIn(params: z.ZodType): readonly Place[] {
  let found = places.get(params);
  if (!found) {
    found = Object.entries<z.ZodType>(params instanceof z.ZodObject ? params.shape : {}).flatMap(
      ([key, schema]) => {
        const thing = things.get(inner(schema));
        return thing === undefined ? [] : [{ key, thing }];
      },
    );
    places.set(params, found);
  }
  return found;
}

/** Without what says that it may be missing. */
const inner = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional ? inner(schema.unwrap() as z.ZodType) : schema;

/** Both; where both have fields of an extension, those of the second. */
export const mergedExt = (before: Ext | undefined, given: Ext | undefined): { ext?: Ext } =>
  before || given ? { ext: { ...before, ...given } } : {};

const labels = z.registry<{ label: string }>();

/** Says what a field is called where the thing is put on paper, such as an order's invoice. */
export function printedAs<S extends z.ZodType>(label: string, schema: S): S {
  labels.add(schema, { label });
  return schema;
}

/** What of a thing's fields is put on paper: known ones with a label, as text. */
export function printedFields(
  thing: string,
  value: Ext | undefined,
  declared: DeclaredFields,
): { label: string; text: string }[] {
  return Object.entries(value ?? {}).flatMap(([name, fields]) =>
    Object.entries<z.ZodType>(declared[thing]?.[name]?.shape ?? {}).flatMap(([key, schema]) => {
      const label = (labels.get(schema) ?? labels.get(inner(schema)))?.label;
      const given = fields[key];
      return label === undefined || given === undefined ? [] : [{ label, text: String(given) }];
    }),
  );
}
