/** Options of a variant, such as `Größe: M`: names and values of any script, as clients send them. */
import { z } from "zod";
import { CONDITIONS } from "../../broker/contract/conditions.ts";
import { line } from "../../broker/contract/schemas.ts";
import { printable } from "../../broker/contract/values/patterns.ts";
import { cleanLine } from "../../broker/contract/values/text.ts";

const MAX_OPTIONS = 10;
const MAX_NAME = 40;

/** What MongoDB's driver and JavaScript take for something else than a name. */
const RESERVED = new Set(["_bsontype", "__proto__"]);

/** Checked as it will be kept, because cleaning may remove what hid the beginning. See {@link named}. */
const name = z
  .string()
  .min(1)
  .max(MAX_NAME)
  .regex(printable, "must not contain control characters")
  .refine((it) => cleanLine(it) !== "", "must have visible characters")
  .refine((it) => {
    const kept = cleanLine(it);
    return !kept.startsWith("$") && !RESERVED.has(kept);
  }, "must not begin with $, and not be _bsontype or __proto__");

type Options = Record<string, string>;

const named = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [cleanLine(name), value]));

/** @returns names that are equal to an earlier one once they are cleaned */
function repeated(options: Options): string[] {
  const seen = new Set<string>();
  return Object.keys(options).filter((it) => seen.size === seen.add(cleanLine(it)).size);
}

export const options = z
  .record(name, line(80))
  .refine((it) => Object.keys(it).length <= MAX_OPTIONS, `at most ${MAX_OPTIONS} options`)
  .superRefine((it, context) => {
    for (const one of repeated(it))
      context.addIssue({ code: "custom", path: [one], message: "is the name of another option too" });
  })
  .overwrite(named)
  .meta({ [CONDITIONS]: ["each option has a name of its own"] });
