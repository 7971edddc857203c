/** Which payment providers exist. It asks payments and caches the answer for a while. */

import { SoukError } from "../../../broker/contract/errors.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

const REMEMBER_MS = 10_000;

/** @returns a check that throws PROVIDER_UNKNOWN, with the field's name, for an unknown provider */
export function createProviderCheck(ask: () => Promise<readonly string[]>, clock: Clock) {
  let known: { names: Promise<readonly string[]>; until: number } | undefined;

  function names(): Promise<readonly string[]> {
    if (known && clock.now() < known.until) return known.names;
    const asked = { names: ask(), until: clock.now() + REMEMBER_MS };
    known = asked;
    // A failure goes to the waiting callers and is not cached.
    asked.names.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.names;
  }

  return async (provider: string, field: string): Promise<void> => {
    const configured = await names();
    if (configured.includes(provider)) return;
    throw new SoukError("PROVIDER_UNKNOWN", `There is no payment provider ${provider} here.`, {
      errors: [
        {
          field,
          message: configured.length > 0 ? `must be one of ${configured.join(", ")}` : "none is configured",
        },
      ],
    });
  };
}
