/** Which payment providers there are: asked of payments, and remembered for a while. */

import { SoukError } from "../../../broker/contract/errors.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

const REMEMBER_MS = 10_000;

/** @returns a check that throws PROVIDER_UNKNOWN, naming the field, for a name that payments does not know */
export function createProviderCheck(ask: () => Promise<readonly string[]>, clock: Clock) {
  let known: { names: Promise<readonly string[]>; until: number } | undefined;

  function names(): Promise<readonly string[]> {
    if (known && clock.now() < known.until) return known.names;
    const asked = { names: ask(), until: clock.now() + REMEMBER_MS };
    known = asked;
    // A failure is told to those who wait for it, and not remembered.
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
