/** What payments are found by: options whose provider says how they compare. Stored with the payment as `<option>:<value>`. */
import { SoukError } from "../../../broker/contract/errors.ts";
import type { ProviderModule } from "./define-provider.ts";

type Findable = Pick<ProviderModule, "name" | "findBy">;
export type FoundBy = keyof NonNullable<ProviderModule["findBy"]>;

/** @returns undefined where nothing is found by it */
export function foundByOf(
  { findBy = {} }: Pick<Findable, "findBy">,
  options: Readonly<Record<string, string>>,
): string[] | undefined {
  const found = Object.entries(findBy).flatMap(([option, normalized]) => {
    const written = Object.hasOwn(options, option) ? options[option] : undefined;
    const value = written === undefined ? null : normalized(written);
    return value === null ? [] : [`${option}:${value}`];
  });
  return found.length > 0 ? found : undefined;
}

/**
 * What to look for, at one provider or at any.
 * @throws {SoukError} VALIDATION_FAILED with the field, where no provider's payments can be found by such a text
 */
export function wantedBy(
  modules: readonly Findable[],
  option: FoundBy,
  written: string,
  provider?: string,
): string[] {
  const able = modules.filter(
    (it) => it.findBy?.[option] && (provider === undefined || it.name === provider),
  );
  const values = able.flatMap(({ findBy }) => findBy?.[option]?.(written) ?? []);
  if (values.length > 0) return [...new Set(values)].map((value) => `${option}:${value}`);
  const message =
    able.length > 0
      ? `is none that ${able.map((it) => it.name).join(" or ")} could ask`
      : `payments${provider === undefined ? "" : ` at ${provider}`} are not found by it`;
  throw new SoukError("VALIDATION_FAILED", `${option}: ${message}.`, {
    errors: [{ field: option, message }],
  });
}
