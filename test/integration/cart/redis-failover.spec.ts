/** Redis fails over to a replica that has missed the last writes: carts go on, and nothing is ordered twice. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  decide,
  firstAdmin,
  home,
  orderBecomes,
  payPage,
  putInCart,
  putOnSale,
  signUp,
  stockOf,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { type RedisPair, startRedisPair } from "../../support/servers/redis-pair.ts";

interface Cart {
  revision: number;
  lines: { sku: string }[];
}

describe("carts on a Redis that fails over", function () {
  this.timeout(60_000);
  let redis: RedisPair;
  let shop: Shop;

  before(async () => {
    redis = await startRedisPair();
    shop = await startShop({ env: { REDIS_URL: redis.url, RATE_LIMIT: "100000", LOG_LEVEL: "fatal" } });
  });
  after(async () => {
    await shop?.stop();
    await redis?.stop();
  });

  it("answers 503 for a while, then goes on; an order whose cart has gone back in time stays the only one", async () => {
    const admin = await firstAdmin(shop.http);
    const lamp = await putOnSale(admin, { sku: "LAMP", onHand: 10 });
    const rug = await putOnSale(admin, { sku: "RUG", onHand: 10 });
    const buyer = await signUp(shop.http);
    const order = (key: string, more: object = {}) =>
      buyer.http.request<OrderView & { code: string; orderId: string }>("POST", "/orders", {
        body: { shippingAddress: home, payment: { provider: "sandbox" }, ...more },
        headers: { "idempotency-key": key, prefer: "wait=5" },
      });
    const cart = () => buyer.http.expect<Cart>(200, "GET", "/cart");

    await putInCart(buyer, lamp.sku);
    await eventually("the replica has the cart", async () => (await redis.replica.dbsize()) > 0);
    await eventually("and its line", async () => {
      const [key = ""] = await redis.replica.keys("*cart:u:*");
      return key !== "" && (await redis.replica.hexists(key, `l:${lamp.sku}`)) === 1;
    });
    await redis.sever();
    await putInCart(buyer, rug.sku);
    const { revision } = await cart();
    const key = newId();
    const placed = await order(key);
    assert.deepEqual([placed.status, placed.body.lines.length], [201, 2]);

    redis.killMaster();
    const statuses = new Set<number>();
    await eventually("the cart can be written again", async () => {
      const reply = await buyer.http.request<{ code?: string }>("PUT", `/cart/items/${lamp.sku}`, {
        body: { quantity: 1 },
      });
      statuses.add(reply.status);
      assert.ok(reply.status === 200 || reply.body.code === "UNAVAILABLE", JSON.stringify(reply.body));
      return reply.status === 200;
    });
    assert.deepEqual([...statuses], [503, 200], "a clean refusal, and no other answer");

    const now = await cart();
    assert.deepEqual(
      now.lines.map((it) => it.sku),
      [lamp.sku],
      "the last change is lost",
    );
    assert.ok(now.revision < revision);
    const again = await order(key);
    assert.deepEqual([again.status, again.body.id], [201, placed.body.id], "the same request");
    const other = await order(newId());
    assert.deepEqual([other.body.code, other.body.orderId], ["CART_ALREADY_ORDERED", placed.body.id]);
    assert.equal((await order(newId(), { cartRevision: revision })).body.code, "CART_CHANGED");
    const { items } = await buyer.http.expect<{ items: OrderView[] }>(200, "GET", "/orders");
    assert.deepEqual(
      items.map((it) => it.id),
      [placed.body.id],
    );
    assert.equal((await stockOf(shop.http, lamp.sku)).held, 1);

    await decide(buyer.http, payPage(placed.body), { outcome: "succeed" });
    await orderBecomes(buyer, placed.body.id, "paid");
    await eventually("the bought items have left the cart", async () => (await cart()).lines.length === 0);
    await putInCart(buyer, rug.sku);
    assert.equal((await order(newId())).status, 201, "the next order");
  });
});
