/** Stripe where the money is held until the shop captures it. */
import { providerConformance } from "../../../../../test/support/providers/provider-conformance.ts";
import { traits } from "./traits.ts";

providerConformance({
  ...traits,
  env: { STRIPE_CAPTURE: "manual" },
  takes: [{ amount: 1_999, currency: "USD" }],
  can: traits.can.filter((it) => it !== "takeAtOnce"),
});
