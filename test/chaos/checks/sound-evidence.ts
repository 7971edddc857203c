/** Evidence without faults: a few orders of all kinds, made by the actors themselves. */

import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { DeliveryState } from "../../../services/delivery/delivery.actor.ts";
import type { OrderState } from "../../../services/orders/order/state.ts";
import type { OrderStatus } from "../../../services/orders/orders.contract.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import type { Evidence } from "./checks.ts";

const AT = "2026-01-01T00:00:00.000Z";
const TOTAL = { amount: 2_500, currency: "USD" };
const SKU = "PLENTY-1";
const UNITS = 2;

const address = anAddress();

function actor<S>(_id: string, state: S, sent: number): ActorDocument<S> {
  return { _id, version: 1, state, inbox: {}, outbox: [], timers: [], sent, commit: "c" };
}

interface Made {
  path: readonly OrderStatus[];
  paid: boolean;
  refunded?: number;
  held?: boolean;
}

function order(name: string, { path, paid, refunded = 0, held = false }: Made): ActorDocument<OrderState> {
  const status = path.at(-1) ?? "placed";
  const hold = held ? "held" : paid ? "sold" : "released";
  return actor<OrderState>(
    `order-${name}`,
    {
      status,
      number: name,
      customerId: "customer",
      lines: [{ sku: SKU, name: SKU, quantity: UNITS, unitPrice: TOTAL, total: TOTAL }],
      holds: { [SKU]: { status: hold, generation: 1 } },
      total: TOTAL,
      shippingAddress: address,
      attempts: [
        {
          id: `payment-${name}`,
          choice: { provider: "sandbox" },
          status: "pending",
          nextAction: null,
          round: 0,
          captured: paid ? TOTAL.amount : null,
          refunds: refunded > 0 ? { refund: refunded } : {},
        },
      ],
      paidBy: paid ? `payment-${name}` : null,
      deliveryId: `delivery-${name}`,
      delivery: null,
      restocked: status === "refunded",
      reason: null,
      history: path.map((it) => ({ status: it, at: AT })),
      createdAt: AT,
      expiresAt: AT,
    },
    3,
  );
}

function delivery(name: string, path: readonly DeliveryState["status"][]): ActorDocument<DeliveryState> {
  return actor<DeliveryState>(
    `delivery-${name}`,
    {
      status: path.at(-1) ?? "created",
      orderId: `order-${name}`,
      orderNumber: name,
      customerId: "customer",
      shippingAddress: address,
      items: [],
      tracking: null,
      failure: null,
      history: path.map((it) => ({ status: it, at: AT })),
      createdAt: AT,
    },
    1,
  );
}

const REFUND = {
  id: "refund",
  reason: "r",
  status: "succeeded",
  at: AT,
  origin: "shop",
  refundRef: null,
} as const;

const payment = (name: string, captured: number, refunded: number) =>
  actor<Evidence["snapshot"]["payments"][number]["state"]>(
    `payment-${name}`,
    {
      status: captured > 0 ? "captured" : "pending",
      orderId: `order-${name}`,
      orderNumber: name,
      customerId: "customer",
      provider: "sandbox",
      amount: TOTAL,
      providerRef: `ref-${name}`,
      nextAction: null,
      captured,
      fee: 0,
      receipt: null,
      failure: null,
      options: {},
      expiresAt: AT,
      opening: null,
      atProvider: captured > 0 ? "captured" : "pending",
      checks: 0,
      processingUntil: null,
      rounds: 0,
      givenUp: false,
      duplicateCaptures: [],
      disputed: false,
      anomalies: [],
      refunds: refunded > 0 ? [{ ...REFUND, amount: refunded }] : [],
      createdAt: AT,
    },
    2,
  );

const sandbox = (name: string, captured: boolean, refunded: number) => ({
  _id: `ref-${name}`,
  paymentId: `payment-${name}`,
  orderNumber: name,
  amount: TOTAL.amount,
  currency: "USD",
  status: captured ? ("captured" as const) : ("cancelled" as const),
  createdAt: new Date(AT),
  expiresAt: new Date(AT),
  refunds: refunded > 0 ? [{ id: "refund", amount: refunded, at: new Date(AT) }] : [],
  refunded,
});

const entry = (n: number, delta: number, onHand: number, orderId: string | null) => ({
  _id: `entry-${n}`,
  sku: SKU,
  delta,
  onHand,
  reason: "test",
  orderId,
  by: null,
  at: new Date(AT),
});

/** A fresh copy each time, which a test may change. */
export function soundEvidence() {
  const actors: Pick<Evidence["snapshot"], "orders" | "stock" | "payments" | "deliveries"> = {
    orders: [
      order("open", { path: ["placed", "awaiting_payment"], paid: false, held: true }),
      order("done", { path: ["placed", "awaiting_payment", "paid", "shipped", "delivered"], paid: true }),
      order("back", {
        path: ["placed", "awaiting_payment", "paid", "delivery_failed", "refunded"],
        paid: true,
        refunded: TOTAL.amount,
      }),
      order("gone", { path: ["placed", "cancelled"], paid: false }),
    ],
    stock: [
      actor(
        SKU,
        {
          onHand: 8,
          held: UNITS,
          holds: { "order-open": { quantity: UNITS, generation: 1 } },
          nextGeneration: 5,
          revision: 0,
        },
        2,
      ),
    ],
    payments: [
      payment("open", 0, 0),
      payment("done", TOTAL.amount, 0),
      payment("back", TOTAL.amount, TOTAL.amount),
    ],
    deliveries: [
      delivery("done", ["created", "shipped", "delivered"]),
      delivery("back", ["created", "failed"]),
    ],
  };
  const senders: [string, number][] = [
    ...actors.orders.map((it): [string, number] => [`order/${it._id}`, it.sent]),
    ...actors.stock.map((it): [string, number] => [`stock/${it._id}`, it.sent]),
    ...actors.payments.map((it): [string, number] => [`payment/${it._id}`, it.sent]),
    ...actors.deliveries.map((it): [string, number] => [`delivery/${it._id}`, it.sent]),
  ];
  const snapshot: Evidence["snapshot"] = {
    ...actors,
    sent: new Map(senders),
    ledger: [
      entry(1, 10, 10, null),
      entry(2, -UNITS, 8, "order-done"),
      entry(3, -UNITS, 6, "order-back"),
      entry(4, UNITS, 8, "order-back"),
    ],
    anomalies: [],
    sandbox: [sandbox("open", false, 0), sandbox("done", true, 0), sandbox("back", true, TOTAL.amount)],
    keys: ["open", "done", "back", "gone"].map((it) => ({ key: `customer/${it}`, orderId: `order-${it}` })),
    outboxes: [],
    dueTimers: [],
    waiting: new Map(),
    dead: [{ queue: "chaos.order.1", id: "poison" }],
    queues: 2,
    collections: 5,
  };
  return {
    snapshot,
    journal: {
      tabs: [["open", "unmade"]],
      checkouts: [
        { key: "done", scenario: "pays", answers: ["order-done"] },
        { key: "gone", scenario: "cancels", answers: ["order-gone", "order-gone"] },
        { key: "nobody", scenario: "pays", answers: [] as string[] },
      ],
      promises: [{ orderId: "order-gone", what: "cancelled", through: ["cancelled" as const] }],
      surprises: [] as string[],
    },
    initial: new Map([[SKU, 10]]),
    sampler: { samples: 7, faults: [] as string[] },
    recorder: {
      seen: new Map(
        senders.map(([sender, sent]) => [sender, new Set(Array.from({ length: sent }, (_, i) => i + 1))]),
      ),
      counts: { messages: 20, repeats: 1 },
    },
    poison: ["poison"],
    settled: { ms: 1_000, left: [] as string[] },
    crashes: [] as string[],
    processes: 6,
  } satisfies Evidence;
}
