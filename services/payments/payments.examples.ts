/** Complete examples for the docs. */

const usd = (amount: number) => ({ amount, currency: "USD" });
const orderId = "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21";
const paymentId = "01941b2e-5c01-7a06-b3c4-91d25e7f8a30";

export const payment = {
  id: paymentId,
  orderId,
  provider: "sandbox",
  status: "partially_refunded",
  amount: usd(9800),
  paid: usd(9800),
  fee: usd(0),
  captured: usd(9800),
  refunded: usd(4900),
  receipt: "sandbox-4f6b2c1d",
  nextAction: null,
  failure: null,
  refunds: [
    {
      id: "01941b40-3300-7d08-9b26-7e4a1c5f8d90",
      amount: usd(4900),
      reason: "One lamp was broken",
      status: "succeeded",
      origin: "shop",
      at: "2026-12-01T08:00:00.000Z",
    },
  ],
  disputed: false,
  createdAt: "2026-11-27T09:30:00.100Z",
};

const customerId = "01941b10-0a11-7c20-8d31-5f2e9b7c4a10";

export const staffPayment = {
  ...payment,
  reference: "4f6b2c1d",
  options: {},
  customerId,
  customer: { id: customerId, name: "Ann Example", email: "ann@example.com" },
};

export const offered = {
  name: "mpesa",
  title: "M-Pesa",
  currencies: ["KES"],
  options: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      phone: {
        description: "Kenyan mobile number that is asked for the PIN",
        examples: ["0712 345678"],
        type: "string",
      },
    },
    required: ["phone"],
    additionalProperties: false,
  },
};

export const opening = {
  paymentId,
  orderId,
  provider: "stripe",
  amount: usd(9800),
  trouble: "unreachable",
  reason: "stripe does not answer",
  failures: 2,
  at: "2026-11-27T09:30:10.000Z",
  nextAt: "2026-11-27T09:30:40.000Z",
};

export const anomaly = {
  id: "6f0d8c52-1b7e-5a34-9c80-2e4d7f1a3b95",
  paymentId,
  orderId,
  provider: "sandbox",
  providerRef: "4f6b2c1d",
  kind: "amount_mismatch",
  expected: usd(9800),
  reported: usd(9700),
  at: "2026-11-27T09:31:00.000Z",
};

export const creditNote = {
  number: "CN-2026-000001",
  invoice: "2026-000001",
  issuedOn: "2026-12-01",
  reason: "One lamp was broken",
  net: usd(4118),
  tax: usd(782),
  gross: usd(4900),
};

export const transaction = {
  id: "0b6e9d1f-4c27-5d83-8a15-7f3c2e9b6d04",
  kind: "capture",
  paymentId,
  orderId,
  provider: "sandbox",
  reference: "sandbox-4f6b2c1d",
  at: "2026-11-27T09:31:05.000Z",
  currency: "USD",
  entries: [
    { account: "provider:sandbox", amount: 9800, currency: "USD" },
    { account: "sales", amount: -9800, currency: "USD" },
  ],
};

export const balances = {
  items: [
    { account: "provider:sandbox", currency: "USD", amount: 4900 },
    { account: "refunds", currency: "USD", amount: 4900 },
    { account: "sales", currency: "USD", amount: -9800 },
  ],
  balanced: true,
};
