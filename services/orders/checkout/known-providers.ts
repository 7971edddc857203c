/** Which payment providers exist. It asks payments and caches the answer for a while. */

import { SoukError } from "../../../broker/contract/errors.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { sharedValue } from "../../../broker/resilience/single-flight.ts";

const REMEMBER_MS = 10_000;

/** @returns a check that throws PROVIDER_UNKNOWN, with the field's name, for an unknown provider */
export function createProviderCheck(ask: () => Promise<readonly string[]>, clock: Clock) {
  const names = sharedValue(ask, { clock, keepMs: () => REMEMBER_MS });

  return async (provider: string, field: string): Promise<void> => {
    const configured = await names.get();
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
