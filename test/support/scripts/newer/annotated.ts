/** Adds an unknown field to every object of a value, as a newer version might do. */
import type { z } from "zod";

export const NOTE = { newerNote: { since: 2, of: ["a newer version"] } };

type Schema = z.core.$ZodType;
interface Def extends z.core.$ZodTypeDef {
  shape?: Record<string, Schema>;
  catchall?: Schema;
  element?: Schema;
  valueType?: Schema;
  innerType?: Schema;
  in?: Schema;
  options?: Schema[];
  discriminator?: string;
}

export function annotated(schema: Schema, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const def = schema._zod.def as Def;
  const each = (fields: object, of: (key: string) => Schema | undefined) =>
    Object.fromEntries(
      Object.entries(fields).map(([key, it]) => {
        const inner = of(key);
        return [key, inner ? annotated(inner, it) : it];
      }),
    );
  if (def.type === "object")
    return { ...each(value, (key) => def.shape?.[key]), ...(def.catchall ? NOTE : {}) };
  if (def.type === "array" && Array.isArray(value)) return value.map((it) => annotated(def.element!, it));
  if (def.type === "record") return each(value, () => def.valueType);
  if (def.type === "union" && def.discriminator) {
    const option = optionOf(def, value as Record<string, unknown>);
    return option ? annotated(option, value) : value;
  }
  const inner = def.innerType ?? def.in;
  return inner ? annotated(inner, value) : value;
}

function optionOf({ options = [], discriminator = "" }: Def, value: Record<string, unknown>) {
  return options.find((it) => {
    const kind = (it._zod.def as Def).shape?.[discriminator];
    return kind?._zod.values?.has(value[discriminator] as string);
  });
}
