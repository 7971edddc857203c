import assert from "node:assert/strict";
import core from "../../../services/index.ts";

/** POSTs that take no Idempotency-Key, and why asking twice does no harm. */
const HARMLESS: Readonly<Record<string, string>> = {
  "orders.cancel": "a cancelled order is not cancelled again",
  "payments.webhook": "known by the provider's event id",
  "payments.webhookWithKey": "known by the provider's event id",
  "payments.sandboxPay": "a payment is decided once",
  "payments.endRefund": "a refund that has ended so stays as it is",
  "inventory.create": "the SKU is taken then",
  "products.create": "the slug and its SKUs are taken then",
  "products.createCategory": "the slug is taken then",
  "users.register": "the address is taken then",
  "users.login": "one more session",
  "users.refresh": "the same successor for a while, then the session ends",
  "users.logout": "ended is ended",
  "users.forgotPassword": "one more mail",
  "users.resetPassword": "a token is good once",
  "users.bootstrap": "there is one first admin",
  "users.addAddress": "one more address in a short list",
};

describe("POST routes", () => {
  const posts = core.contracts.flatMap(({ service, actions }) =>
    Object.entries(actions)
      .filter(([, action]) => "rest" in action && String(action.rest).startsWith("POST "))
      .map(([name, action]) => ({
        name: `${service}.${name}`,
        idempotent: "idempotent" in action && action.idempotent,
      })),
  );

  it("take an Idempotency-Key, or are known to do no harm when they are repeated", () => {
    const open = posts.filter((it) => !it.idempotent).map((it) => it.name);
    const known = Object.keys(HARMLESS);
    assert.deepEqual(open.sort(), known.sort(), "declare it idempotent, or say here why it need not be");
  });

  it("require one where they make orders or move money", () => {
    const required = posts.filter((it) => it.idempotent === "required").map((it) => it.name);
    for (const name of ["orders.place", "orders.pay", "payments.refund"])
      assert.ok(required.includes(name), name);
  });
});
