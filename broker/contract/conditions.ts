/** What a schema checks beyond types and limits, in words. JSON Schema can't express it, so documents say it. */
import { z } from "zod";

/** Key of the conditions in JSON Schema, and in the `meta` of a schema whose check has no message. */
export const CONDITIONS = "x-conditions";

/** The messages of a schema's refinements, and what its `meta` names. */
export function conditionsOf(schema: z.core.$ZodType): string[] {
  const messages = refinementsOf(schema).flatMap((it) => messageOf(it) ?? []);
  return [...new Set([...messages, ...namedConditions(schema)])];
}

/** The checks that are code of its own. */
export const refinementsOf = (schema: z.core.$ZodType): z.core.$ZodCheck[] =>
  (schema._zod.def.checks ?? []).filter((it) => it._zod.def.check === "custom");

/** Adds what a schema checks to its JSON Schema. */
export function addConditions(schema: z.core.$ZodType, json: { [key: string]: unknown }): void {
  const conditions = conditionsOf(schema);
  if (conditions.length > 0 && json.$ref === undefined) json[CONDITIONS] = conditions;
}

function namedConditions(schema: z.core.$ZodType): string[] {
  const named = z.globalRegistry.get(schema)?.[CONDITIONS];
  return Array.isArray(named) ? named.map(String) : [];
}

/** With the field that it is about, where it names one. */
function messageOf(check: z.core.$ZodCheck): string | undefined {
  const { error, path = [] } = check._zod.def as z.core.$ZodCustomDef;
  const made = error?.({ code: "custom", input: undefined, path: [], message: "" });
  const message = typeof made === "string" ? made : made?.message;
  return message && [...path.map(String), message].join(": ");
}
