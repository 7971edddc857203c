/** Which events an endpoint wants: exact types, beginnings like `order.*`, or `*`. */
import { SoukError } from "../../../broker/contract/errors.ts";

/** Whether one of the patterns names the type. */
export function matcherOf(patterns: readonly string[]): (type: string) => boolean {
  if (patterns.includes("*")) return () => true;
  const exact = new Set(patterns);
  const beginnings = patterns.filter((it) => it.endsWith(".*")).map((it) => it.slice(0, -1));
  return (type) => exact.has(type) || beginnings.some((it) => type.startsWith(it));
}

/**
 * A pattern that no event of the shop fits is a mistake.
 * @param events types of all events of the shop
 * @throws {SoukError} VALIDATION_FAILED
 */
export function checkPatterns(patterns: readonly string[], events: readonly string[]): void {
  const errors = patterns.flatMap((pattern, index) =>
    events.some(matcherOf([pattern]))
      ? []
      : [{ field: `types[${index}]`, message: `no event of this shop is ${pattern}` }],
  );
  if (errors[0])
    throw new SoukError("VALIDATION_FAILED", `${errors[0].field}: ${errors[0].message}`, { errors });
}
