/**
 * A fault test for each provider: PAYMENTS_STRESS sets the number of payments, PAYMENTS_STRESS_PROVIDER selects one
 * provider, PAYMENTS_STRESS_SEED sets the random choices.
 */
import assert from "node:assert/strict";
import { FAULTS, paymentsStress } from "../../support/providers/payments-stress.ts";
import { ofEachProvider, type ProviderTraits } from "../../support/providers/provider-traits.ts";

const COUNT = Number(process.env.PAYMENTS_STRESS ?? 60);
const ONLY = process.env.PAYMENTS_STRESS_PROVIDER;
const providers = await ofEachProvider<{ traits: ProviderTraits }>("traits.ts");
const SEED = Number(process.env.PAYMENTS_STRESS_SEED ?? 1);

describe("many payments under webhook faults", function () {
  this.timeout(120_000 + COUNT * 1_000);

  for (const [name, { traits }] of providers) {
    if (ONLY && ONLY !== name) continue;
    it(`leaves every order right: ${name}`, async () => {
      const figures = await paymentsStress({ ...traits, payments: COUNT, seed: SEED });
      assert.equal(figures.paid + figures.declined, COUNT);
      console.log(`      ${JSON.stringify({ ...figures, faults: FAULTS })}`);
    });
  }
});
