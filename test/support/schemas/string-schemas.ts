/** All schemas of texts within a schema, however deep. */
import { z } from "zod";

export interface TextSchema {
  /** Where it stands: `shippingAddress.name`; parts of lists and unions are not told apart. */
  path: string;
  schema: z.ZodType;
}

export function textSchemas(root: z.ZodType): TextSchema[] {
  const found: TextSchema[] = [];
  const seen = new Set<string>();
  const visit = (schema: z.ZodType, path: string, depth: number): void => {
    // A schema may be part of itself.
    if (depth > 12) return;
    if (takesText(schema) && !seen.has(path + fingerprint(schema))) {
      seen.add(path + fingerprint(schema));
      found.push({ path, schema });
    }
    for (const [name, inner] of innerOf(schema)) visit(inner, join(path, name), depth + 1);
  };
  visit(root, "", 0);
  return found;
}

/** @returns one per kind: what has the same checks is tried once */
export function stringSchemas(schemas: readonly z.ZodType[]): z.ZodType[] {
  const all = schemas.flatMap(textSchemas).map(({ schema }) => [fingerprint(schema), schema] as const);
  return [...new Map(all).values()];
}

const TEXTS = new Set(["string", "pipe", "enum", "literal", "template_literal"]);

const takesText = ({ def }: z.ZodType): boolean =>
  TEXTS.has(def.type) || ("coerce" in def && def.coerce === true);

function fingerprint(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const checks = "checks" in schema.def && Array.isArray(schema.def.checks) ? schema.def.checks.length : 0;
  return `${checks} ${JSON.stringify({ ...json, examples: undefined, description: undefined })}`;
}

const join = (path: string, name: string): string => (path && name ? `${path}.${name}` : path + name);

/** The direct parts of a schema, for every kind of zod schema. Members of an object come with their names. */
function innerOf({ def }: z.ZodType): [name: string, inner: z.ZodType][] {
  const parts: [string, unknown][] = Object.entries(def).flatMap(([place, part]) => {
    if (place === "shape") return Object.entries(part as object);
    if (place === "keyType") return [["(name)", part] as [string, unknown]];
    return (Array.isArray(part) ? part : [part]).map((it) => ["", it] as [string, unknown]);
  });
  return parts.filter((it): it is [string, z.ZodType] => it[1] instanceof z.ZodType);
}

/** A schema and all within it, each once. */
export function schemasWithin(root: z.ZodType): Set<z.ZodType> {
  const found = new Set<z.ZodType>();
  const visit = (schema: z.ZodType): void => {
    if (found.has(schema)) return;
    found.add(schema);
    for (const [, inner] of innerOf(schema)) visit(inner);
  };
  visit(root);
  return found;
}
