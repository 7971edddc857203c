/** A few orders that take every possible way, placed by clients that retry while nodes crash. */

import type { CallMeta } from "../../../../../broker/contract/call-meta.ts";
import { errorCode } from "../../../../../broker/contract/errors.ts";
import { derivedV7 } from "../../../../../broker/contract/ids.ts";
import type { OrderView } from "../../../../../services/orders/orders.contract.ts";
import { anAddress } from "../../../../../souk/testing/address.ts";
import { ORDER_TTL_MS, reports, type ShopRun } from "./shop-world.ts";

/** SKUs: `PLENTY` has enough, one unit of `LAST` and `ONE`, of `NONE` no stock was ever kept. `GIFT` costs nothing. */
const CARTS = {
  delivered: { PLENTY: 2 },
  declinedFirst: { PLENTY: 1 },
  cancelled: { PLENTY: 1, LAST: 1 },
  expired: { PLENTY: 1 },
  outOfStock: { PLENTY: 1, ONE: 2 },
  noStockKept: { PLENTY: 1, NONE: 1 },
  refunded: { PLENTY: 1 },
  deliveryFailed: { PLENTY: 3 },
  lateCapture: { PLENTY: 1 },
  wrongAmount: { PLENTY: 1 },
  askedAbout: { PLENTY: 1 },
  agreedThenTaken: { PLENTY: 1 },
  free: { GIFT: 1 },
  slowBank: { PLENTY: 1 },
  slowBankDeclines: { PLENTY: 1 },
  cancelledAtBank: { PLENTY: 1 },
  returned: { PLENTY: 3 },
} as const satisfies Record<string, Record<string, number>>;

/** By which provider they are paid, where it is not the sandbox. */
const PROVIDERS = { askedAbout: "xendit", agreedThenTaken: "stripe" } as const;

export type Label = keyof typeof CARTS;
export const LABELS = Object.keys(CARTS) as Label[];
export const STOCK = { PLENTY: 100, LAST: 1, ONE: 1, GIFT: 5 };

/** The final status of each order and of its payments. */
export const ENDS: Record<Label, { order: string; payments: string[] }> = {
  delivered: { order: "delivered", payments: ["captured"] },
  declinedFirst: { order: "paid", payments: ["cancelled", "captured"] },
  cancelled: { order: "cancelled", payments: ["cancelled"] },
  expired: { order: "expired", payments: ["cancelled"] },
  outOfStock: { order: "rejected", payments: [] },
  noStockKept: { order: "rejected", payments: [] },
  refunded: { order: "refunded", payments: ["refunded"] },
  deliveryFailed: { order: "refunded", payments: ["refunded"] },
  lateCapture: { order: "expired", payments: ["refunded"] },
  wrongAmount: { order: "expired", payments: ["cancelled"] },
  askedAbout: { order: "paid", payments: ["captured"] },
  agreedThenTaken: { order: "paid", payments: ["captured"] },
  free: { order: "paid", payments: [] },
  slowBank: { order: "paid", payments: ["captured"] },
  slowBankDeclines: { order: "expired", payments: ["cancelled"] },
  cancelledAtBank: { order: "cancelled", payments: ["refunded"] },
  returned: { order: "delivered", payments: ["partially_refunded"] },
};

/** Orders whose customers pay by a bank that is slow. */
const SLOW: readonly Label[] = ["slowBank", "slowBankDeclines", "cancelledAtBank"];
/** What the sandbox reports of each outcome. */
const EVENTS = {
  succeed: "payment.captured",
  decline: "payment.failed",
  process: "payment.processing",
} as const;

const providerOf = (label: Label): string =>
  (PROVIDERS as Partial<Record<Label, string>>)[label] ?? "sandbox";

const ADDRESS = anAddress();
const BASE = "019b76da-a800-7000-8000-000000000001";
const customerOf = (label: Label): string => derivedV7(BASE, "customer", label);
const STAFF = {
  id: derivedV7(BASE, "staff"),
  roles: ["customer", "staff"],
  scopes: ["orders:read", "orders:write", "payments:read", "deliveries:read", "catalogue:read"],
} as const;

/** Plays everything to the end, and gives the ids of the orders. */
export async function play(run: ShopRun): Promise<Map<string, Label>> {
  const staff = (key: string): CallMeta => ({ user: STAFF, idempotencyKey: key });
  const as = (label: Label, key = label as string): CallMeta => ({
    user: { id: customerOf(label), roles: ["customer"] },
    idempotencyKey: key,
    preferWait: 0,
  });
  const orders = {} as Record<Label, OrderView>;
  /** Pages whose payment its bank decides later, when the order names them no more. */
  const pages = new Map<Label, string>();
  const look = async (label: Label) => {
    orders[label] = await run.call("orders.get", { id: orders[label].id }, as(label));
    return orders[label];
  };
  const all = <T>(labels: readonly Label[], what: (label: Label) => Promise<T>) =>
    Promise.all(labels.map(what));

  const { id: productId } = await run.call(
    "products.create",
    {
      name: "Tea",
      variants: ["PLENTY", "LAST", "ONE", "NONE", "GIFT"].map((sku) => ({
        sku,
        price: { amount: sku === "GIFT" ? 0 : 500, currency: "USD" },
        options: { Kind: sku },
      })),
    },
    staff("product"),
  );
  for (const [sku, onHand] of Object.entries(STOCK)) {
    await run.call("inventory.create", { sku, onHand }, staff(sku));
    // All of it is low, so that it falls so low once, whatever the order of the messages.
    await run.call("inventory.configure", { sku, lowAt: 1_000 }, staff(`${sku} is low`));
  }
  await all(LABELS, async (label) => {
    for (const [sku, quantity] of Object.entries(CARTS[label]))
      await run.call("cart.setItem", { sku, quantity }, as(label));
  });
  await run.rest();
  run.points.armed = true;
  run.send("rating.changed", productId, { histogram: [0, 0, 0, 1, 0], revision: 1 });

  await all(LABELS, async (label) => {
    orders[label] = await run.call(
      "orders.place",
      { shippingAddress: ADDRESS, payment: { provider: providerOf(label) } },
      as(label),
    );
  });
  await run.rest();

  const withheld = await decide(["lateCapture"], { outcome: "succeed" });
  const paid: Label[] = ["delivered", "refunded", "deliveryFailed", "returned"];
  await report([
    ...(await decide(paid, { outcome: "succeed" })),
    ...(await decide(["declinedFirst"], { outcome: "decline" })),
    ...(await decide(["wrongAmount"], { outcome: "succeed", amount: 1 })),
    ...(await payElsewhere(["askedAbout", "agreedThenTaken"])),
    ...(await decide(SLOW, { outcome: "process" })),
  ]);
  await tolerating(
    "ORDER_NOT_CANCELLABLE",
    run.call("orders.cancel", { id: orders.cancelled.id }, as("cancelled")),
  );
  await run.rest();
  await tolerating(
    "ORDER_NOT_CANCELLABLE",
    run.call("orders.cancel", { id: orders.cancelledAtBank.id }, as("cancelledAtBank")),
  );

  await run.call(
    "orders.pay",
    { id: orders.declinedFirst.id, provider: "sandbox" },
    as("declinedFirst", "again"),
  );
  await run.rest();
  pages.delete("declinedFirst");
  await report(await decide(["declinedFirst"], { outcome: "succeed" }));
  await run.rest();

  const { payment } = await look("refunded");
  await run.call("payments.refund", { id: payment?.id ?? "", reason: "asked" }, staff("refund"));
  await carrier(["delivered", "deliveryFailed", "returned"], "shipped");
  await run.rest();
  await carrier(["delivered", "returned"], "delivered");
  await carrier(["deliveryFailed"], "failed");
  await run.rest();
  // A late copy of what the customer did would be kept again.
  run.messages.releaseCopies();
  await run.rest();
  const erased = customerOf("delivered");
  run.send("user.erased", erased, { userId: erased });
  await run.rest();
  await sendBack();

  run.advance(ORDER_TTL_MS);
  await run.rest();
  await report([
    ...withheld,
    ...(await decide(["slowBank", "cancelledAtBank"], { outcome: "succeed" })),
    ...(await decide(["slowBankDeclines"], { outcome: "decline" })),
  ]);
  await run.rest();
  run.messages.releaseCopies();
  await run.rest();
  return new Map(LABELS.map((label) => [orders[label].id, label]));

  /** At the sandbox's pay page; gives the reports that the sandbox makes of it. */
  async function decide(
    labels: readonly Label[],
    decision: { outcome: keyof typeof EVENTS; amount?: number },
  ) {
    const refs = await all(labels, async (label) => {
      const ref = pages.get(label) ?? (await pageOf(label));
      pages.set(label, ref);
      await tolerating("CONFLICT", run.call("payments.sandboxPay", { ref, ...decision }));
      return ref;
    });
    return reports(run, refs, EVENTS[decision.outcome]);
  }

  /** The part of its address that opens it. */
  async function pageOf(label: Label): Promise<string> {
    const action = (await look(label)).payment?.nextAction;
    if (action?.type !== "redirect") throw new Error(`${label} can't be paid`);
    return action.url.split("/").at(-1) ?? "";
  }

  /** At another provider; gives its reports. */
  async function payElsewhere(labels: readonly Label[]) {
    const refs = await all(labels, async (label) => {
      const { payment } = await look(label);
      const found = await run
        .database("payments")
        .collection<{ _id: string; state: { providerRef: string } }>("payments")
        .findOne({ _id: payment?.id ?? "" });
      const ref = found?.state.providerRef ?? "";
      await run.world.emulators.get(providerOf(label))?.pay(ref, "succeed");
      return ref;
    });
    return reports(run, refs);
  }

  /** A provider repeats its report until it is answered. It sends it twice where everything is repeated. */
  async function report(webhooks: Awaited<ReturnType<typeof decide>>): Promise<void> {
    const times = run.mode === "duplicated" ? 2 : 1;
    for (let n = 0; n < times; n++)
      await Promise.all(
        webhooks.map(({ provider, headers, body }) =>
          run.call("payments.webhook", { provider, headers, body }),
        ),
      );
  }

  /** Two of three units come back, and one of them is accepted. The other return comes to nothing. */
  async function sendBack(): Promise<void> {
    const { id } = orders.returned;
    const ask = (quantity: number, reason: string) =>
      run.call(
        "returns.request",
        { id, lines: [{ sku: "PLENTY", quantity }], reason },
        as("returned", reason),
      );
    const sent = await ask(2, "sent back");
    const kept = await ask(1, "kept");
    await run.call("returns.cancel", { id: kept.id }, as("returned"));
    await run.call("returns.update", { id: sent.id, status: "approved" }, staff("approve"));
    const lines = [{ sku: "PLENTY", accepted: 1, restock: true }];
    await run.call("returns.update", { id: sent.id, status: "received", lines }, staff("receive"));
    await run.rest();
  }

  async function carrier(
    labels: readonly Label[],
    status: "shipped" | "delivered" | "failed",
  ): Promise<void> {
    await all(labels, async (label) => {
      const { delivery } = await look(label);
      await tolerating(
        "DELIVERY_TRANSITION",
        run.call("delivery.update", { id: delivery?.id ?? "", status }, staff(label)),
      );
    });
  }
}

/** An answer that was lost with its node. A repeated call is told that it is done. */
async function tolerating(code: string, call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (errorCode(error) !== code) throw error;
  });
}

/** Ids are random: they get the names of the orders that they belong to. */
export async function nameIds(
  run: ShopRun,
  orders: ReadonlyMap<string, Label>,
): Promise<Map<string, string>> {
  const names = new Map<string, string>(orders);
  for (const label of LABELS) names.set(customerOf(label), `customer of ${label}`);
  for (const collection of ["payments", "delivery"])
    for (const { _id, state } of await run.database(collection).collection(collection).find().toArray()) {
      const label = orders.get(String(state.orderId));
      if (label) names.set(String(_id), `${collection} of ${label}`);
    }
  for (const { _id, state } of await run.database("returns").collection("returns").find().toArray())
    names.set(String(_id), `return that is ${state.reason}`);
  return names;
}
