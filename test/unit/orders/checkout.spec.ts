import assert from "node:assert/strict";
import fc from "fast-check";
import type { Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { Returned } from "../../../broker/contract/contract.ts";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { derivedV7, newId } from "../../../broker/contract/ids.ts";
import { id as idSchema } from "../../../broker/contract/schemas.ts";
import { createCheckoutLimit } from "../../../services/orders/checkout/checkout-limit.ts";
import { createProviderCheck } from "../../../services/orders/checkout/known-providers.ts";
import type { OpenOrdersStore } from "../../../services/orders/checkout/open-orders.store.ts";
import { NOTHING_OPEN, type OpenOrders } from "../../../services/orders/checkout/open-orders.ts";
import { placeOrder } from "../../../services/orders/checkout/place-order.ts";
import { priceCart } from "../../../services/orders/checkout/price-cart.ts";
import type { OrderMessage } from "../../../services/orders/order/decision.ts";
import { orderActor } from "../../../services/orders/order/order.actor.ts";
import { orderNumber } from "../../../services/orders/order/order-number.ts";
import type { OrderState } from "../../../services/orders/order/state.ts";
import "../../../services/contracts.ts";
import { message } from "../../../broker/actor/testing/steps.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { standIn } from "../../support/stand-in.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });
const codeOf = (error: unknown) => errorCode(error);

describe("pricing a cart", () => {
  const productId = newId();
  const catalogue: Returned<"products.variants"> = [
    { sku: "tea", productId, slug: "tea", options: {}, image: null, name: "Tea", price: usd(350) },
    {
      sku: "cup",
      productId,
      name: "Cup",
      price: usd(1_200),
      options: { Size: "L", Colour: "red" },
      image: "https://x.test/1.jpg",
    },
  ];

  it("takes names and prices from the catalogue, and keeps the order of the cart", () => {
    const priced = priceCart(
      [
        { sku: "cup", quantity: 1 },
        { sku: "tea", quantity: 3 },
      ],
      catalogue,
    );
    assert.deepEqual(
      priced.lines.map((it) => [it.name, it.quantity, it.unitPrice.amount, it.total.amount]),
      [
        ["Cup", 1, 1_200, 1_200],
        ["Tea", 3, 350, 1_050],
      ],
    );
    assert.deepEqual(priced.total, usd(2_250));
    // An older node of products knows no slug.
    assert.deepEqual(
      priced.lines.map((it) => [it.productId, it.slug, Object.entries(it.options ?? {}), it.image]),
      [
        [
          productId,
          productId,
          [
            ["Size", "L"],
            ["Colour", "red"],
          ],
          "https://x.test/1.jpg",
        ],
        [productId, "tea", [], null],
      ],
    );
  });

  it("adds up exactly, whatever is in the cart", () => {
    const line = fc.record({
      quantity: fc.integer({ min: 1, max: 999 }),
      price: fc.nat({ max: 10_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 50 }), (lines) => {
        const { total } = priceCart(
          lines.map((it, n) => ({ sku: `s${n}`, quantity: it.quantity })),
          lines.map((it, n) => ({ sku: `s${n}`, productId, name: "x", price: usd(it.price) })),
        );
        const exact = lines.reduce((sum, it) => sum + BigInt(it.quantity) * BigInt(it.price), 0n);
        assert.equal(BigInt(total.amount), exact);
      }),
    );
  });

  it("refuses an empty cart, SKUs that are not on sale, several currencies and sums beyond all money", () => {
    const refused = (run: () => unknown) => {
      try {
        run();
      } catch (error) {
        return codeOf(error);
      }
      return undefined;
    };
    assert.equal(
      refused(() => priceCart([], [])),
      "CART_EMPTY",
    );
    assert.equal(
      refused(() => priceCart([{ sku: "gone", quantity: 1 }], [])),
      "SKU_UNKNOWN",
    );
    assert.equal(
      refused(() => priceCart([{ sku: "gone", quantity: 1 }], catalogue)),
      "SKU_UNKNOWN",
    );
    const mixed = [
      { sku: "tea", productId, name: "Tea", price: usd(1) },
      { sku: "cup", productId, name: "Cup", price: { amount: 1, currency: "EUR" } },
    ];
    const both = [
      { sku: "tea", quantity: 1 },
      { sku: "cup", quantity: 1 },
    ];
    assert.equal(
      refused(() => priceCart(both, mixed)),
      "CURRENCY_MIXED",
    );
    const dear = [{ sku: "tea", productId, name: "Tea", price: usd(1_000_000_000_000) }];
    assert.equal(
      refused(() => priceCart([{ sku: "tea", quantity: 2 }], dear)),
      "VALIDATION_FAILED",
    );
  });
});

describe("an order's number", () => {
  it("begins with its day and is the same for the same id", () => {
    const id = "019b76da-a800-7abc-8def-0123456789ab";
    assert.match(orderNumber(id), /^260101-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/);
    assert.equal(orderNumber(id), orderNumber(id));
  });

  it("differs for orders placed at the same time", () => {
    const numbers = Array.from({ length: 20_000 }, () => orderNumber(newId()));
    assert.equal(new Set(numbers).size, numbers.length);
  });
});

describe("an id derived from another", () => {
  it("is a UUIDv7 of the same time, the same for the same parts and another for others", () => {
    const base = newId();
    const derived = derivedV7(base, "payment");
    assert.ok(idSchema.safeParse(derived).success);
    assert.equal(derived.slice(0, 13), base.slice(0, 13));
    assert.equal(derived, derivedV7(base, "payment"));
    assert.notEqual(derived, derivedV7(base, "delivery"));
  });
});

describe("back-pressure at checkout", () => {
  it("lets in what it has room for and refuses the rest at once", async () => {
    const limit = createCheckoutLimit(2);
    const { promise, resolve } = Promise.withResolvers<string>();
    const running = [limit.run(() => promise), limit.run(() => promise)];
    await assert.rejects(
      limit.run(async () => "no"),
      (error) => codeOf(error) === "OVERLOADED",
    );
    resolve("done");
    assert.deepEqual(await Promise.all(running), ["done", "done"]);
    assert.equal(await limit.run(async () => "again"), "again");
  });

  it("gives the place back when a checkout fails", async () => {
    const limit = createCheckoutLimit(1);
    await assert.rejects(
      limit.run(() => Promise.reject(new Error("failed"))),
      /failed/,
    );
    assert.equal(await limit.run(async () => "again"), "again");
  });
});

describe("the payment providers that checkout knows", () => {
  it("are asked for once in ten seconds, also by many at once", async () => {
    let [now, asked] = [0, 0];
    const check = createProviderCheck(
      async () => {
        asked += 1;
        return ["sandbox"];
      },
      { now: () => now },
    );
    await Promise.all([check("sandbox", "provider"), check("sandbox", "provider")]);
    await assert.rejects(check("nobody", "provider"), (error) => codeOf(error) === "PROVIDER_UNKNOWN");
    assert.equal(asked, 1);
    now = 10_000;
    await check("sandbox", "provider");
    assert.equal(asked, 2);
  });

  it("are asked for again after a failure", async () => {
    let away = true;
    const check = createProviderCheck(
      async () => {
        if (away) throw new SoukError("UNAVAILABLE");
        return ["sandbox"];
      },
      { now: () => 0 },
    );
    await assert.rejects(check("sandbox", "provider"), (error) => codeOf(error) === "UNAVAILABLE");
    away = false;
    await check("sandbox", "provider");
  });
});

describe("checkout", () => {
  const customerId = newId();
  const shippingAddress = anAddress();

  /** A host of orders in memory, and the answers of the services that checkout asks. */
  function world() {
    const orders = new Map<string, Snapshot<OrderState>>();
    const carts = { revision: 1, lines: [{ sku: "tea", quantity: 2 }] };
    const stored = new Map<string, { version: number; open: OpenOrders }>();
    const openOrders: OpenOrdersStore = {
      async read(customer) {
        const { version, open } = stored.get(customer) ?? { version: 0, open: NOTHING_OPEN };
        const known = open.entries.flatMap(({ order }) => {
          const it = orders.get(order);
          return it ? [[order, it.state.status] as const] : [];
        });
        return { version, open, known: new Map(known) };
      },
      async write(customer, version, open) {
        if ((stored.get(customer)?.version ?? 0) !== version) return false;
        stored.set(customer, { version: version + 1, open });
        return true;
      },
    };
    const host = {
      async apply(id: string, type: OrderMessage, data: never) {
        const before = orders.get(id);
        const received = message(type, id, data);
        const { state } = orderActor.receive(before?.state ?? null, received);
        assert.ok(state);
        const snapshot =
          state === before?.state ? before : { id, version: (before?.version ?? 0) + 1, state };
        orders.set(id, snapshot);
        return snapshot;
      },
      read: async (id: string) => orders.get(id) ?? null,
    };
    const answers: Record<string, () => unknown> = {
      "cart.contents": () => ({ id: newId(), ...carts }),
      "products.variants": () => [{ sku: "tea", productId: newId(), name: "Tea", price: usd(350) }],
      "users.contacts": () => [],
    };
    const place = (resourceId: string, userId = customerId) =>
      placeOrder(
        {
          host: standIn(host),
          openOrders,
          claimNumber: async (id) => orderNumber(id),
          limits: { orders: 3, quantity: 1_000 },
          clock: { now: () => Date.now() },
          orderTtl: 60_000,
          guestLimits: { email: { orders: 3, quantity: 1_000 }, address: { orders: 10, quantity: 1_000 } },
          checkProvider: async () => undefined,
        },
        standIn({
          params: { shippingAddress, payment: { provider: "sandbox" } },
          meta: { user: { id: userId, roles: ["customer"] }, resourceId, preferWait: 0 },
          call: async (name: string) => answers[name]?.(),
        }),
      );
    return { orders, carts, place };
  }

  it("makes the same order again when a request is run again after a crash", async () => {
    const { orders, place } = world();
    const id = newId();
    const [first, second] = [await place(id), await place(id)];
    assert.deepEqual(second, first);
    assert.equal(orders.size, 1);
    assert.equal(first.id, id);
  });

  it("finds the order of the first run although the cart is gone by now", async () => {
    const { carts, place } = world();
    const id = newId();
    const first = await place(id);
    carts.lines = [];
    assert.deepEqual(await place(id), first);
    await assert.rejects(place(newId()), (error) => codeOf(error) === "CART_EMPTY");
  });

  it("does not show the order of somebody else", async () => {
    const { carts, place } = world();
    const id = newId();
    await place(id);
    carts.lines = [];
    await assert.rejects(place(id, newId()), (error) => codeOf(error) === "CART_EMPTY");
  });
});
