/**
 * A fault test for each provider: PAYMENTS_STORM sets the number of payments, PAYMENTS_STORM_PROVIDER selects one
 * provider, PAYMENTS_STORM_SEED sets the random choices.
 */
import assert from "node:assert/strict";
import { FAULTS, paymentsStorm } from "../../support/payments-storm.ts";
import { ofEachProvider, type ProviderTraits } from "../../support/provider-traits.ts";

const COUNT = Number(process.env.PAYMENTS_STORM ?? 60);
const ONLY = process.env.PAYMENTS_STORM_PROVIDER;
const providers = await ofEachProvider<{ traits: ProviderTraits }>("traits.ts");
const SEED = Number(process.env.PAYMENTS_STORM_SEED ?? 1);

describe("a storm of payments", function () {
  this.timeout(120_000 + COUNT * 1_000);

  for (const [name, { traits }] of providers) {
    if (ONLY && ONLY !== name) continue;
    it(`leaves every order right: ${name}`, async () => {
      const figures = await paymentsStorm({ ...traits, payments: COUNT, seed: SEED });
      assert.equal(figures.paid + figures.declined, COUNT);
      console.log(`      ${JSON.stringify({ ...figures, faults: FAULTS })}`);
    });
  }
});
