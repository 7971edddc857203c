/** All schemas of texts within a schema, however deep. */
import { z } from "zod";

/** @returns one per kind: what has the same checks is tried once */
export function stringSchemas(schemas: readonly z.ZodType[]): z.ZodType[] {
  const found = new Map<string, z.ZodType>();
  const seen = new Set<z.ZodType>();
  const visit = (schema: z.ZodType): void => {
    if (seen.has(schema)) return;
    seen.add(schema);
    if (takesText(schema)) found.set(fingerprint(schema), schema);
    for (const inner of innerOf(schema)) visit(inner);
  };
  for (const it of schemas) visit(it);
  return [...found.values()];
}

const TEXTS = new Set(["string", "pipe", "enum", "literal"]);

const takesText = ({ def }: z.ZodType): boolean =>
  TEXTS.has(def.type) || ("coerce" in def && def.coerce === true);

function fingerprint(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const checks = "checks" in schema.def && Array.isArray(schema.def.checks) ? schema.def.checks.length : 0;
  return `${checks} ${JSON.stringify({ ...json, examples: undefined, description: undefined })}`;
}

/** The schemas that a schema is made of, whatever zod calls the place where they stand. */
function innerOf({ def }: z.ZodType): z.ZodType[] {
  const parts: unknown[] = Object.entries(def).flatMap(([name, part]) =>
    name === "shape" ? Object.values(part as object) : Array.isArray(part) ? part : [part],
  );
  return parts.filter((it): it is z.ZodType => it instanceof z.ZodType);
}
