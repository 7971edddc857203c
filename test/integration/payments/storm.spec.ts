/**
 * A storm for each provider: PAYMENTS_STORM sets how many payments, PAYMENTS_STORM_PROVIDER keeps to one,
 * PAYMENTS_STORM_SEED sets what befalls whom.
 */
import assert from "node:assert/strict";
import { emulators } from "../../../services/payments/providers/emulators.ts";
import {
  sandboxBooks,
  startSandbox,
} from "../../../services/payments/providers/sandbox/test/sandbox-emulator.ts";
import { FAULTS, paymentsStorm, type Storm } from "../../support/payments-storm.ts";

const COUNT = Number(process.env.PAYMENTS_STORM ?? 60);
const ONLY = process.env.PAYMENTS_STORM_PROVIDER;
const SEED = Number(process.env.PAYMENTS_STORM_SEED ?? 1);

type Customers = Pick<Storm, "forged" | "price" | "refunds" | "unpaid" | "payment" | "books">;
const usd: Customers = {
  price: { amount: 1_999, currency: "USD" },
  refunds: true,
  unpaid: "decline",
};
const idr: Customers = {
  price: { amount: 1_500_000, currency: "IDR" },
  refunds: true,
  unpaid: "decline",
};
const customers: Record<string, Customers> = {
  sandbox: { ...usd, books: sandboxBooks },
  stripe: usd,
  paypal: usd,
  midtrans: idr,
  xendit: { ...idr, refunds: false, unpaid: "expire" },
  mpesa: {
    price: { amount: 150_000, currency: "KES" },
    refunds: false,
    unpaid: "decline",
    forged: ofAnotherAmount,
    payment: { phone: "0712345678" },
  },
};

/** Whose unsigned callback says another amount than all are asked for. */
function ofAnotherAmount(rawBody: Buffer): string | null {
  const { CheckoutRequestID, CallbackMetadata } = JSON.parse(rawBody.toString()).Body.stkCallback;
  const items: { Name: string; Value?: unknown }[] = CallbackMetadata?.Item ?? [];
  const amount = items.find((it) => it.Name === "Amount")?.Value;
  return amount === undefined || amount === 1_500 ? null : CheckoutRequestID;
}

describe("a storm of payments", function () {
  this.timeout(120_000 + COUNT * 1_000);

  for (const [name, start] of Object.entries({ sandbox: startSandbox, ...emulators })) {
    if (ONLY && ONLY !== name) continue;
    it(`leaves every order right: ${name}`, async () => {
      const of = customers[name] ?? assert.fail(`nobody pays by ${name}`);
      const figures = await paymentsStorm({ ...of, name, start, payments: COUNT, seed: SEED });
      assert.equal(figures.paid + figures.declined, COUNT);
      console.log(`      ${JSON.stringify({ ...figures, faults: FAULTS })}`);
    });
  }
});
