/** Orders paid with points in the whole shop, while the parts that take and return points are killed. */
import assert from "node:assert/strict";
import { combine, souk } from "souk";
import { crashMatrix, type MatrixRun } from "souk/testing";
import type { PointsState } from "../points/points.actor.ts";
import loyalty from "../souk.ts";

const ANN = "019b76da-a800-7000-8000-000000000001";
const STAFF = {
  id: "019b76da-a800-7000-8000-000000000002",
  roles: ["customer", "staff"],
  scopes: ["orders:read", "orders:write"],
} as const;
const ADDRESS = { name: "Ann", line1: "1 Row", city: "Town", postalCode: "EC1Y 8SY", country: "GB" };
/** What becomes of each order: 700 points are there, and each costs 300. One is given back in the end. */
const ENDS = { kept: "paid", refunded: "refunded", tooFew: "awaiting_payment" } as const;
type Label = keyof typeof ENDS;

describe("paying with points, killed anywhere", function () {
  this.timeout(120_000);
  crashMatrix({
    shop: combine(souk, loyalty),
    only: ["points", "payments.openPayment", "payments.refundAtProvider"],
    // The story says when something is asked; a question of the payment's own would make that another story.
    world: async () => ({ environment: { RECONCILE_FIRST: "365d", RECONCILE_MAX: "365d" } }),
    play,
    check(state) {
      const all = <S>(name: string) => (state[name] as { state: S }[]).map((it) => it.state);
      assert.deepEqual(
        all<{ status: string }>("orders.orders")
          .map((it) => it.status)
          .sort(),
        Object.values(ENDS).toSorted(),
      );
      // 700 − 300 − 300 + 300 back; 3 earned by each paid order, and 3 taken back.
      assert.deepEqual(
        all<PointsState>("loyalty.points").map((it) => it.balance),
        [403],
      );
    },
    // The balance after a change depends on the order of the others.
    skip: ["points"],
  });
});

async function play(run: MatrixRun): Promise<Map<string, string>> {
  const staff = (idempotencyKey: string) => ({ user: STAFF, idempotencyKey });
  const ann = (idempotencyKey: string) => ({
    user: { id: ANN, roles: ["customer"] } as const,
    idempotencyKey,
    preferWait: 0,
  });
  const price = { amount: 300, currency: "USD" };
  await run.call("products.create", { name: "Tea", variants: [{ sku: "TEA", price }] }, staff("product"));
  await run.call("inventory.create", { sku: "TEA", onHand: 10 }, staff("stock"));
  await run.call("loyalty.adjust", { customerId: ANN, delta: 700, reason: "gift" }, staff("gift"));
  await run.rest();
  run.points.armed = true;

  const names = new Map<string, string>([[ANN, "Ann"]]);
  const payments = new Map<Label, string>();
  for (const label of Object.keys(ENDS) as Label[]) {
    await run.call("cart.setItem", { sku: "TEA", quantity: 1 }, ann(`cart ${label}`));
    const placed = await run.call(
      "orders.place",
      { shippingAddress: ADDRESS, payment: { provider: "credit" }, ext: { loyalty: { giftNote: label } } },
      ann(label),
    );
    await run.rest();
    const { payment, delivery } = await run.call("orders.get", { id: placed.id }, ann(label));
    for (const [key, id] of Object.entries({
      order: placed.id,
      payment: payment?.id,
      delivery: delivery?.id,
    }))
      if (id) names.set(id, `${key} ${label}`);
    payments.set(label, payment?.id ?? "");
  }
  await run.call("payments.refund", { id: payments.get("refunded") ?? "", reason: "asked" }, staff("refund"));
  await run.rest();
  run.messages.releaseCopies();
  await run.rest();
  return names;
}
