import assert from "node:assert/strict";
import { Redis } from "ioredis";
import type { Returned } from "../../../broker/contract/contract.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { migrateDown, migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import core from "../../../services/index.ts";
import { OPEN_ORDERS } from "../../../services/orders/checkout/open-orders.store.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import type { HttpClient, Reply } from "../../../souk/testing/http-client.ts";
import {
  decide,
  firstAdmin,
  orderBecomes,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signIn,
  signUp,
  stockBecomes,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

type CartView = Returned<"cart.get">;
type Problem = { code: string; orderId: string; orderIds: string[]; cart: CartView; traceId: string };

const ADDRESS = anAddress();

for (const kind of ["MongoDB", "Redis"] as const)
  describe(`ordering a cart that is kept in ${kind}`, function () {
    this.timeout(60_000);
    const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
    const NAMESPACE = `test-${newId()}`;
    let shop: Shop;
    let ahead = 0;
    let admin: Person;

    before(async () => {
      const redis = { REDIS_URL: redisUrl, CART_TTL: "60s" };
      shop = await startShop({
        env: { NAMESPACE, ...(kind === "Redis" ? redis : {}) },
        clock: { now: () => Date.now() + ahead },
      });
      admin = await firstAdmin(shop.http);
    });
    after(async () => {
      await shop?.stop();
      if (kind !== "Redis") return;
      const redis = new Redis(redisUrl);
      const keys = await redis.keys(`souk-${NAMESPACE}*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
    });

    const order = ({ http }: { http: HttpClient }, more: object = {}, key = newId()) =>
      http.request<OrderView & Problem>("POST", "/orders", {
        body: { shippingAddress: ADDRESS, payment: { provider: "sandbox" }, ...more },
        headers: { "idempotency-key": key, prefer: "wait=5" },
      });
    const cartOf = ({ http }: Person) => http.expect<CartView>(200, "GET", "/cart");
    const stockOf = (sku: string) =>
      shop.http.expect<{ held: number; available: number }>(200, "GET", `/inventory/${sku}`);
    const codes = (replies: readonly Reply<Problem>[]) =>
      replies.map((it) => it.body.code ?? it.status).sort();
    const isProblem = (reply: Reply<Problem>, code: string) => {
      assert.deepEqual([reply.status, reply.body.code], [409, code]);
      assert.equal(reply.headers.get("content-type"), "application/problem+json");
      assert.match(reply.body.traceId, /^[0-9a-f]{32}$/);
    };
    const customerWith = async (sku: string, quantity: number) => {
      const customer = await signUp(shop.http);
      await putInCart(customer, sku, quantity);
      return customer;
    };

    it("makes one order of five posts with five keys at once, and tells the others which", async () => {
      const { sku } = await putOnSale(admin, { onHand: 50 });
      const customer = await customerWith(sku, 2);
      const replies = await Promise.all(Array.from({ length: 5 }, () => order(customer)));
      const [made, ...more] = replies.filter((it) => it.status === 201);
      assert.ok(made && more.length === 0, JSON.stringify(codes(replies)));
      for (const it of replies) {
        if (it === made) continue;
        isProblem(it, "CART_ALREADY_ORDERED");
        assert.equal(it.body.orderId, made.body.id);
      }
      const { items } = await customer.http.expect<{ items: OrderView[] }>(200, "GET", "/orders");
      assert.deepEqual(
        items.map((it) => it.id),
        [made.body.id],
      );
      assert.equal((await stockOf(sku)).held, 2);
    });

    it("answers the same key as before, also a refusal", async () => {
      const { sku } = await putOnSale(admin, { onHand: 50 });
      const customer = await customerWith(sku, 1);
      const [one, two] = [newId(), newId()];
      const first = await order(customer, {}, one);
      const refused = await order(customer, {}, two);
      isProblem(refused, "CART_ALREADY_ORDERED");
      for (const [key, before] of [
        [one, first],
        [two, refused],
      ] as const) {
        const again = await order(customer, {}, key);
        assert.equal(again.status, before.status);
        assert.equal(again.headers.get("idempotent-replayed"), "true");
        assert.equal(again.body.id ?? again.body.orderId, first.body.id);
      }
    });

    it("gives the cart back when the order is cancelled or rejected, and not once it is paid", async () => {
      const { sku } = await putOnSale(admin, { onHand: 3 });
      const customer = await customerWith(sku, 2);
      const first = await order(customer);
      await customer.http.expect(200, "POST", `/orders/${first.body.id}/cancel`, { body: {} });
      const second = await order(customer);
      assert.equal(second.status, 201);
      isProblem(await order(customer), "CART_ALREADY_ORDERED");

      // Two of three are held. For others there is not enough, and nothing to wait for.
      const other = await customerWith(sku, 2);
      for (let n = 0; n < 2; n++) assert.equal((await order(other)).body.status, "rejected");

      await decide(customer.http, payPage(second.body), { outcome: "succeed" });
      await eventually("the goods have left the cart", async () => {
        const third = await order(customer);
        if (third.body.code === "CART_ALREADY_ORDERED") return false;
        assert.equal(third.body.code, "CART_EMPTY");
        return true;
      });
      const { items } = await customer.http.expect<{ items: OrderView[] }>(200, "GET", "/orders");
      assert.equal(items.length, 2);
    });

    it("takes only what was bought out of a cart that has changed since", async () => {
      const { sku } = await putOnSale(admin, { onHand: 50 });
      const { sku: other } = await putOnSale(admin, { onHand: 50 });
      const customer = await customerWith(sku, 2);
      const first = await order(customer);
      await putInCart(customer, sku, 5);
      await putInCart(customer, other, 1);
      const second = await order(customer);
      assert.equal(second.status, 201);
      await decide(customer.http, payPage(first.body), { outcome: "succeed" });
      await eventually("what was bought has left the cart", async () => {
        const { lines } = await cartOf(customer);
        return lines.find((it) => it.sku === sku)?.quantity === 3 && lines.length === 2;
      });
    });

    it("refuses a cart, or a price, that is not the one that was seen, and shows the present one", async () => {
      const { sku, productId } = await putOnSale(admin);
      const customer = await customerWith(sku, 2);
      const seen = await cartOf(customer);
      await putInCart(customer, sku, 3);
      const changed = await order(customer, { cartRevision: seen.revision });
      isProblem(changed, "CART_CHANGED");
      const now = await cartOf(customer);
      assert.deepEqual(changed.body.cart, now);
      assert.ok(now.revision > seen.revision);

      await reprice(productId, sku, 1_100);
      const dearer = await eventually("the new price is known", async () => {
        const reply = await order(customer, { cartRevision: now.revision, expectedTotal: now.total });
        return reply.status === 409 && reply;
      });
      isProblem(dearer, "PRICE_CHANGED");
      assert.deepEqual(dearer.body.cart.total, { amount: 3_300, currency: "USD" });
      for (const expectedTotal of [
        { amount: 3_300, currency: "EUR" },
        { amount: 3_299, currency: "USD" },
      ])
        isProblem(await order(customer, { expectedTotal }), "PRICE_CHANGED");
      for (const bad of [
        { cartRevision: "x" },
        { cartRevision: -1 },
        { expectedTotal: 3_300 },
        { expectedTotal: { amount: 1 } },
      ])
        assert.equal((await order(customer, bad)).body.code, "VALIDATION_FAILED");
      const { revision, total } = await cartOf(customer);
      assert.equal((await order(customer, { cartRevision: revision, expectedTotal: total })).status, 201);
      assert.equal((await stockOf(sku)).held, 3);
    });

    const reprice = (productId: string, sku: string, amount: number) =>
      admin.http.expect(200, "PATCH", `/products/${productId}`, {
        body: { variants: [{ sku, price: { amount, currency: "USD" } }] },
        headers: { "if-match": "*" },
      });

    it("lets one customer hold so many units with so many orders, whatever he tries", async () => {
      const { sku } = await putOnSale(admin, { onHand: 5_000 });
      const hoarder = await customerWith(sku, 999);
      const one = await Promise.all(Array.from({ length: 6 }, () => order(hoarder)));
      assert.equal(one.filter((it) => it.status === 201).length, 1);
      assert.equal((await stockOf(sku)).held, 999);

      // With another cart each time.
      for (const quantity of [998, 997, 2]) {
        await putInCart(hoarder, sku, quantity);
        isProblem(await order(hoarder), "OPEN_QUANTITY_EXCEEDED");
      }
      await putInCart(hoarder, sku, 1);
      assert.equal((await order(hoarder)).status, 201);
      assert.equal((await stockOf(sku)).held, 1_000);
    });

    it("bounds the open orders of a customer, and makes room for another when one is over", async () => {
      const { sku } = await putOnSale(admin, { onHand: 5_000 });
      const customer = await signUp(shop.http);
      // A new cart before each, and all at once.
      const replies = await Promise.all(
        Array.from({ length: 12 }, async (_, n) => {
          await putInCart(customer, sku, n + 1);
          return order(customer);
        }),
      );
      const open = replies.filter((it) => it.status === 201).map((it) => it.body.id);
      while (open.length < 3) {
        await putInCart(customer, sku, 20 + open.length);
        const { status, body } = await order(customer);
        assert.equal(status, 201);
        open.push(body.id);
      }
      assert.equal(open.length, 3);
      await putInCart(customer, sku, 50);
      const refused = await order(customer);
      isProblem(refused, "TOO_MANY_OPEN_ORDERS");
      assert.deepEqual([...refused.body.orderIds].sort(), open.sort());
      const [first, second] = open;
      await customer.http.expect(200, "POST", `/orders/${first}/cancel`, { body: {} });
      assert.equal((await order(customer)).status, 201);
      isProblem(await order(customer), "CART_ALREADY_ORDERED");
      const { body: paying } = await customer.http.request<OrderView>("GET", `/orders/${second}`);
      await decide(customer.http, payPage(paying), { outcome: "succeed" });
      await eventually("a paid order makes room", async () => {
        await putInCart(customer, sku, 60);
        return (await order(customer)).status === 201;
      });
    });

    it("finds the orders that were open before there were such bounds", async () => {
      const { sku } = await putOnSale(admin, { onHand: 50 });
      const customer = await customerWith(sku, 1);
      const first = await order(customer);
      const db = shop.node.runtime.database("orders");
      const migrations = await migrationsOf(core.migrations.orders);
      const upTo = migrations.findIndex((it) => it.name === "0003-open-orders");
      const known = migrations.slice(0, upTo + 1);
      while ((await migrateDown(db, known, "test", shop.node.runtime.clock)) !== "0003-open-orders");
      await migrateUp(db, migrations, "test", shop.node.runtime.clock);
      const open = db.collection<{ _id: string; entries: { order: string; quantity: number }[] }>(
        OPEN_ORDERS,
      );
      const stored = await open.findOne({ _id: customer.id });
      assert.deepEqual(
        stored?.entries.map((it) => [it.order, it.quantity]),
        [[first.body.id, 1]],
      );
      // What their carts were is not known any more.
      for (const quantity of [2, 3]) {
        await putInCart(customer, sku, quantity);
        assert.equal((await order(customer)).status, 201);
      }
      await putInCart(customer, sku, 4);
      isProblem(await order(customer), "TOO_MANY_OPEN_ORDERS");
    });

    // The last one, as the tokens of all others are over.
    it("gives the cart back when the order has expired", async () => {
      const { sku } = await putOnSale(admin, { onHand: 2 });
      const customer = await customerWith(sku, 2);
      const first = await order(customer);
      isProblem(await order(customer), "CART_ALREADY_ORDERED");
      ahead += 31 * 60_000;
      const later = await signIn(shop.http, customer.email);
      await orderBecomes(later, first.body.id, "expired");
      await stockBecomes(shop.http, sku, { onHand: 2, held: 0, available: 2 });
      const second = await order(later);
      assert.deepEqual([second.status, second.body.status], [201, "awaiting_payment"]);
    });
  });
