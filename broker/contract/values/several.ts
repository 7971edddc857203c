/** Several values of an enum in one parameter of a query string: `status=paid,shipped`. */
import { z } from "zod";

const MAX_GIVEN = 20;

/** Each value once, in the order given. */
export function severalOf<const V extends string>(values: z.ZodEnum<{ [K in V]: K }>) {
  const any = values.options.join("|");
  return z
    .string()
    .regex(
      new RegExp(`^(?:${any})(?:,(?:${any})){0,${MAX_GIVEN - 1}}$`),
      `must be of ${values.options.join(", ")}; several are separated by commas`,
    )
    .transform((given) => [...new Set(given.split(","))].map((it) => values.parse(it)))
    .meta({ examples: [values.options.slice(0, 2).join(",")] });
}
