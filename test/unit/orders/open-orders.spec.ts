/** One cart, one order, and bounded open orders of a customer, under any concurrency and after any crash. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { OpenOrdersStore } from "../../../services/orders/checkout/open-orders.store.ts";
import {
  ABANDONED_MS,
  type Claim,
  decideClaim,
  NOTHING_OPEN,
  type OpenOrders,
  type Standing,
} from "../../../services/orders/checkout/open-orders.ts";
import { placeOrder } from "../../../services/orders/checkout/place-order.ts";
import type { OrderMessage } from "../../../services/orders/order/decision.ts";
import { orderActor } from "../../../services/orders/order/order.actor.ts";
import { orderNumber } from "../../../services/orders/order/order-number.ts";
import type { OrderState } from "../../../services/orders/order/state.ts";
import type { OrderStatus } from "../../../services/orders/orders.contract.ts";
import "../../../services/contracts.ts";
import { message } from "../../../broker/actor/testing/steps.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { illTyped, standIn } from "../../support/stand-in.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });
const LIMITS = { orders: 3, quantity: 20 };
const ADDRESS = anAddress();

const GIVEN_BACK = ["rejected", "cancelled", "expired"];
const isUnpaid = (it: OrderState) => it.status === "placed" || it.status === "awaiting_payment";

describe("the rules for open orders", () => {
  const place = {} as Claim["place"];
  const entry = (order: string, revision: number | null = 1, quantity = 1, at = 0) => ({
    order,
    revision,
    quantity,
    at,
    place,
  });
  const claim = (changes: Partial<Claim> = {}): Claim => ({
    order: "new",
    revision: 9,
    quantity: 1,
    at: 1_000,
    place,
    ...changes,
  });
  const known = (orders: Record<string, Standing>) => new Map(Object.entries(orders));
  const open = (...entries: OpenOrders["entries"]): OpenOrders => ({
    revision: Math.max(0, ...entries.map((it) => it.revision ?? 0)),
    entries,
  });
  const kind = (...args: Parameters<typeof decideClaim>) => decideClaim(...args).kind;

  it("enter the first order", () => {
    assert.deepEqual(decideClaim(NOTHING_OPEN, new Map(), claim(), LIMITS), {
      kind: "claim",
      next: { revision: 9, entries: [entry("new", 9, 1, 1_000)] },
    });
  });

  it("refuse a revision that an open order has, or one whose goods have not left the cart yet", () => {
    for (const status of ["placed", "awaiting_payment", "paid", "shipped", "refunded"] as const)
      assert.equal(kind(open(entry("a", 9)), known({ a: status }), claim(), LIMITS), "ordered");
    for (const status of ["rejected", "cancelled", "expired"] as const)
      assert.equal(kind(open(entry("a", 9)), known({ a: status }), claim(), LIMITS), "claim");
  });

  it("take an order that is not there for one on its way, and after a while for one that nobody wants", () => {
    const started = open(entry("a", 9));
    assert.equal(kind(started, new Map(), claim(), LIMITS), "ordered");
    assert.equal(kind(started, new Map(), claim({ at: ABANDONED_MS }), LIMITS), "abandoned");
    const many = open(entry("a"), entry("b"), entry("c"));
    assert.equal(kind(many, new Map(), claim(), LIMITS), "too-many");
    assert.deepEqual(decideClaim(many, known({ b: "placed" }), claim({ at: ABANDONED_MS }), LIMITS), {
      kind: "abandoned",
      entries: [entry("a"), entry("c")],
    });
  });

  it("count what waits for payment, and nothing else", () => {
    const three = open(entry("a", 1), entry("b", 2), entry("c", null));
    const all = known({ a: "placed", b: "awaiting_payment", c: "awaiting_payment" });
    assert.deepEqual(decideClaim(three, all, claim(), LIMITS), { kind: "too-many", orders: ["a", "b", "c"] });
    for (const status of ["paid", "delivered", "cancelled", "expired", "rejected"] as const) {
      const decision = decideClaim(three, known({ a: "placed", b: status, c: "placed" }), claim(), LIMITS);
      assert.ok(decision.kind === "claim");
      assert.deepEqual(
        decision.next.entries.map((it) => it.order),
        ["a", "c", "new"],
      );
    }
  });

  it("count what they hold together", () => {
    const twelve = open(entry("a", 1, 12));
    const waits = known({ a: "awaiting_payment" });
    assert.equal(kind(twelve, waits, claim({ quantity: 8 }), LIMITS), "claim");
    assert.deepEqual(decideClaim(twelve, waits, claim({ quantity: 9 }), LIMITS), {
      kind: "too-much",
      orders: ["a"],
      quantity: 12,
    });
    assert.equal(kind(NOTHING_OPEN, new Map(), claim({ quantity: 21 }), LIMITS), "too-much");
  });

  it("count an order that waits for a bank by its units only, and keep its cart for it", () => {
    const three = open(entry("a", 1, 5), entry("b", 2, 5), entry("c", 3, 5));
    const slow = known({ a: "payment_processing", b: "awaiting_payment", c: "payment_processing" });
    const decision = decideClaim(three, slow, claim({ quantity: 5 }), LIMITS);
    assert.ok(decision.kind === "claim");
    assert.deepEqual(
      decision.next.entries.map((it) => it.order),
      ["a", "b", "c", "new"],
    );
    assert.deepEqual(decideClaim(three, slow, claim({ quantity: 6 }), LIMITS), {
      kind: "too-much",
      orders: ["a", "b", "c"],
      quantity: 15,
    });
    assert.equal(kind(three, slow, claim({ revision: 3 }), LIMITS), "ordered");
    const full = open(...["a", "b", "c", "d"].map((it, n) => entry(it, n)));
    const waiting = known({ a: "payment_processing", b: "placed", c: "placed", d: "awaiting_payment" });
    assert.deepEqual(decideClaim(full, waiting, claim(), LIMITS), {
      kind: "too-many",
      orders: ["b", "c", "d"],
    });
  });

  it("know what an earlier run of the same request has entered, placed or not", () => {
    const own = open(entry("new", 1), entry("b"), entry("c"));
    for (const orders of [known({ new: "paid" }), new Map<string, OrderStatus>()])
      assert.deepEqual(decideClaim(own, orders, claim({ at: ABANDONED_MS }), LIMITS), {
        kind: "entered",
        entry: entry("new", 1),
      });
  });

  it("want another look where the cart has been ordered with a later revision", () => {
    const later = open(entry("a", 10));
    assert.equal(kind(later, known({ a: "paid" }), claim(), LIMITS), "stale");
    // The cart has lost changes that were ordered.
    assert.equal(kind(later, known({ a: "awaiting_payment" }), claim(), LIMITS, true), "ordered");
    assert.equal(kind(later, known({ a: "paid" }), claim(), LIMITS, true), "claim");
  });
});

/** A customer's cart and orders in memory. Every step of a request can be put off, and is where it may die. */
class World {
  readonly orders = new Map<string, Snapshot<OrderState>>();
  cart = { revision: 1, quantity: 8 };
  readonly customerId = newId();
  now = 1_000;
  /** What each order was made of. */
  readonly revisions = new Map<string, number>();
  #stored = { version: 0, open: NOTHING_OPEN };
  #turn: <T>(run: string, step: string, work: () => T) => Promise<T>;

  constructor(turn: <T>(run: string, step: string, work: () => T) => Promise<T>) {
    this.#turn = turn;
  }

  get unpaid(): OrderState[] {
    return [...this.orders.values()].map((it) => it.state).filter(isUnpaid);
  }

  apply(id: string, type: OrderMessage, data: unknown): Snapshot<OrderState> {
    const before = this.orders.get(id);
    const { state, refusal } = orderActor.receive(before?.state ?? null, message(type, id, illTyped(data)));
    if (refusal) throw new SoukError(refusal.code, refusal.detail);
    assert.ok(state);
    if (before && state === before.state) return before;
    const after = { id, version: (before?.version ?? 0) + 1, state };
    this.orders.set(id, after);
    this.check();
    return after;
  }

  /** The order's end together with its effect on the cart, or only its payment. The goods then leave the cart later. */
  end(order: Snapshot<OrderState>, status: OrderStatus): void {
    if (!isUnpaid(order.state)) return;
    this.orders.set(order.id, { ...order, version: order.version + 1, state: { ...order.state, status } });
  }

  check(): void {
    assert.ok(this.unpaid.length <= LIMITS.orders, "open orders are bounded");
    const held = this.unpaid.flatMap((it) => it.lines).reduce((sum, it) => sum + it.quantity, 0);
    assert.ok(held <= LIMITS.quantity, "what they hold is bounded");
    const standing = [...this.orders.values()].filter(({ state }) => !GIVEN_BACK.includes(state.status));
    const made = standing.map(({ id }) => this.revisions.get(id));
    assert.equal(new Set(made).size, made.length, "a revision is ordered once");
  }

  /** One run of a request. */
  place(request: string): Promise<Snapshot<OrderState>> {
    const turn = <T>(step: string, work: () => T) => this.#turn(request, step, work);
    const host = {
      apply: (id: string, type: OrderMessage, data: unknown) => turn(type, () => this.apply(id, type, data)),
      read: (id: string) => turn("read", () => this.orders.get(id) ?? null),
    };
    const openOrders: OpenOrdersStore = {
      async read() {
        const stored = await turn("look", () => world.#stored);
        return turn("look at orders", () => ({ ...stored, known: world.#known(stored.open) }));
      },
      write: (_, version, open) =>
        turn("claim", () => {
          if (this.#stored.version !== version) return false;
          this.#stored = { version: version + 1, open };
          for (const it of open.entries) this.revisions.set(it.order, it.revision ?? 0);
          return true;
        }),
    };
    const world = this;
    const answers: Record<string, () => unknown> = {
      "cart.contents": () => {
        const { revision, quantity } = this.cart;
        return { id: this.customerId, revision, lines: quantity > 0 ? [{ sku: "tea", quantity }] : [] };
      },
      "products.variants": () => [{ sku: "tea", productId: newId(), name: "Tea", price: usd(350) }],
      "users.contacts": () => [],
    };
    return placeOrder(
      {
        host: standIn(host),
        openOrders,
        claimNumber: async (id) => orderNumber(id),
        limits: LIMITS,
        clock: { now: () => this.now },
        orderTtl: 60_000,
        guestLimits: { email: { orders: 3, quantity: 1_000 }, address: { orders: 10, quantity: 1_000 } },
        checkProvider: async () => undefined,
      },
      standIn({
        params: { shippingAddress: ADDRESS, payment: { provider: "sandbox" } },
        meta: { user: { id: this.customerId, roles: ["customer"] }, resourceId: request, preferWait: 0 },
        call: (name: string) => turn(name, () => answers[name]?.()),
      }),
    );
  }

  #known(open: OpenOrders): Map<string, OrderStatus> {
    return new Map(
      open.entries.flatMap(({ order }) => {
        const it = this.orders.get(order);
        return it ? [[order, it.state.status] as const] : [];
      }),
    );
  }
}

const REFUSALS = new Set([
  "CART_ALREADY_ORDERED",
  "TOO_MANY_OPEN_ORDERS",
  "OPEN_QUANTITY_EXCEEDED",
  "CART_EMPTY",
  "UNAVAILABLE",
]);

type Deed =
  | { do: "order" }
  | { do: "again"; which: number }
  | { do: "change"; quantity: number }
  | { do: "end"; which: number; status: OrderStatus }
  | { do: "pay"; which: number }
  | { do: "wait" };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Deed>({ do: "order" }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("again" as const), which: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("change" as const), quantity: fc.integer({ min: 1, max: 12 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      which: fc.nat(20),
      status: fc.constantFrom<OrderStatus>("cancelled", "expired", "rejected"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pay" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ do: "wait" }) },
);

describe("placing orders at once, with requests that die", function () {
  this.timeout(60_000);

  it("makes one order of a revision, and no more than may be open, whatever the interleaving", async () => {
    const placed = new Set<string>();
    const refused = new Map<string, number>();
    let abandoned = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(deed, { minLength: 6, maxLength: 24, size: "max" }),
        fc.infiniteStream(fc.nat({ max: 99 })),
        async (scheduler, deeds, dice) => {
          const running = new Set<string>();
          const next = () => dice.next().value ?? 0;
          const world = new World((run, step, work) =>
            // One step in 25 is where the request's process dies: nobody hears of it again.
            scheduler
              .schedule(Promise.resolve(), `${run.slice(-4)} ${step}`)
              .then(() => (next() < 4 ? died(run, next() < 50, work) : work())),
          );
          const died = <T>(run: string, done: boolean, work: () => T): Promise<T> => {
            if (done) work();
            running.delete(run);
            return new Promise(() => undefined);
          };
          const requests: string[] = [];
          const wrong: unknown[] = [];
          const answered = new Set<string>();
          const run = (request: string): void => {
            // As its Idempotency-Key has it: one run of a request at a time.
            if (running.has(request)) return;
            running.add(request);
            const done = (check: () => void) => {
              running.delete(request);
              try {
                check();
              } catch (error) {
                wrong.push(error);
              }
            };
            void world.place(request).then(
              (order) =>
                done(() => {
                  placed.add(order.id);
                  assert.equal(order.id, request);
                  answered.add(request);
                }),
              (error: unknown) =>
                done(() => {
                  const code = errorCode(error);
                  if (!code || !REFUSALS.has(code)) throw error;
                  refused.set(code, (refused.get(code) ?? 0) + 1);
                  assert.ok(!answered.has(request), `answered with an order, and then ${code}`);
                  if (code !== "CART_ALREADY_ORDERED") return;
                  const { orderId } = (error as SoukError).data.members;
                  assert.ok(world.orders.has(orderId), "the order that is named exists");
                }),
            );
          };
          const some = (which: number) => [...world.orders.values()][which % Math.max(world.orders.size, 1)];
          const acts: { [K in Deed["do"]]: (it: Extract<Deed, { do: K }>) => void } = {
            order() {
              requests.push(newId());
              run(requests.at(-1) ?? "");
            },
            again({ which }) {
              const request = requests[which % Math.max(requests.length, 1)];
              if (request) run(request);
            },
            change({ quantity }) {
              world.cart = { revision: world.cart.revision + 1, quantity };
            },
            end({ which, status }) {
              const order = some(which);
              if (order) world.end(order, status);
            },
            wait() {
              world.now += ABANDONED_MS;
            },
            pay({ which }) {
              const order = some(which);
              if (!order || !isUnpaid(order.state)) return;
              world.end(order, "paid");
              // The event that takes the goods out comes at some later time.
              void scheduler.schedule(Promise.resolve(), "goods leave the cart").then(() => {
                world.cart = { revision: world.cart.revision + 1, quantity: 0 };
              });
            },
          };
          for (const it of deeds) {
            void scheduler
              .schedule(Promise.resolve(), it.do)
              .then(() => (acts[it.do] as (one: Deed) => void)(it));
          }
          await scheduler.waitIdle();
          world.check();
          // Whoever is left asks until there is an answer: a request that died is no obstacle.
          for (const request of requests) {
            if (running.has(request)) continue;
            run(request);
          }
          await scheduler.waitIdle();
          world.check();
          if (wrong.length > 0) throw wrong[0];
          for (const { state } of world.orders.values())
            if (state.reason?.includes("its request")) abandoned++;
        },
      ),
      { numRuns: Number(process.env.OPEN_ORDERS_RUNS ?? 1_000) },
    );
    // The runs came to all that there is.
    assert.ok(placed.size > 300 && abandoned > 0, `${placed.size} orders, ${abandoned} of them abandoned`);
    assert.ok(refused.get("CART_ALREADY_ORDERED"));
    assert.ok(refused.get("TOO_MANY_OPEN_ORDERS") || refused.get("OPEN_QUANTITY_EXCEEDED"));
  });
});
