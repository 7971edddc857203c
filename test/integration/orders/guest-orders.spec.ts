import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { newId } from "../../../broker/contract/ids.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  decide,
  firstAdmin,
  hireStaff,
  home,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signIn,
  signUp,
  stockBecomes,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { ATTACK_STRINGS } from "../../support/attack-strings.ts";

type Answer = OrderView & { code: string; orderIds?: string[]; errors?: { field: string }[] };

for (const kind of ["MongoDB", "Redis"] as const)
  describe(`orders of guests, with carts in ${kind}`, function () {
    this.timeout(30_000);
    const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
    const NAMESPACE = `test-${newId()}`;
    let shop: Shop;
    let staff: Person;
    let sku: string;

    before(async () => {
      const redis: Record<string, string> = kind === "Redis" ? { REDIS_URL: redisUrl, CART_TTL: "60s" } : {};
      shop = await startShop({ env: { NAMESPACE, TRUST_PROXY: "1", ...redis } });
      staff = await hireStaff(shop);
      ({ sku } = await putOnSale(await firstAdmin(shop.http), { onHand: 10_000 }));
    });
    after(async () => {
      await shop?.stop();
      if (kind !== "Redis") return;
      const redis = new Redis(redisUrl);
      const keys = await redis.keys(`souk-${NAMESPACE}*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
    });

    let addresses = 0;
    /** Each guest comes from a network of their own. */
    const anAddress = () => `198.51.${Math.floor(++addresses / 200)}.${(addresses % 200) + 1}`;
    async function guest(quantity = 1, ip = anAddress()) {
      const http = shop.http.with({ "x-forwarded-for": ip });
      const { id } = await putInCart({ http }, sku, quantity);
      return { cartId: id, http: http.with({ "x-cart-id": id }) };
    }
    type Guest = Awaited<ReturnType<typeof guest>>;
    const order = ({ http }: Guest, email: string, more: object = {}, key = newId()) =>
      http.request<Answer>("POST", "/orders", {
        body: { email, shippingAddress: home, payment: { provider: "sandbox" }, ...more },
        headers: { "idempotency-key": key, prefer: "wait=5" },
      });
    const tokenOf = ({ headers }: { headers: Headers }) => headers.get("x-order-token") ?? "";

    it("are placed, seen, paid and followed with the token of the reply alone", async () => {
      const someone = await guest(2);
      const key = newId();
      const placed = await order(someone, "Guest@Example.com", {}, key);
      assert.deepEqual([placed.status, placed.body.status], [201, "awaiting_payment"]);
      assert.equal(placed.body.customer.id, null);
      assert.equal(placed.body.customer.name, home.name);
      assert.equal(placed.body.customer.email?.toLowerCase(), "guest@example.com");
      const token = tokenOf(placed);
      assert.match(token, /^[A-Za-z0-9_-]{43}$/);
      assert.ok(!JSON.stringify(placed.body).includes(token));

      const again = await order(someone, "Guest@Example.com", {}, key);
      assert.deepEqual(
        [again.status, again.body.id, tokenOf(again), again.headers.get("idempotent-replayed")],
        [201, placed.body.id, token, "true"],
      );
      const path = `/orders/${placed.body.id}`;
      const holder = shop.http.with({ "x-order-token": token });
      const seen = await holder.request<OrderView>("GET", path);
      assert.deepEqual([seen.status, seen.body.id, tokenOf(seen)], [200, placed.body.id, ""]);
      const retried = await holder.request<OrderView>("POST", `${path}/payments`, {
        body: { provider: "sandbox" },
        headers: { "idempotency-key": newId(), prefer: "wait=5" },
      });
      assert.equal(retried.status, 201);
      const { ticket } = await holder.expect<{ ticket: string }>(201, "POST", `${path}/tickets`, {
        body: {},
      });
      const stream = await fetch(`${shop.url}/api/v1${path}/events?ticket=${ticket}`);
      assert.equal(stream.status, 200);
      await decide(shop.http, payPage(retried.body), { outcome: "succeed" });
      let text = "";
      for await (const chunk of stream.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.includes('"status":"paid"')) break;
      }
      await eventually("the goods have left the cart", async () => {
        const { lines } = await someone.http.expect<{ lines: unknown[] }>(200, "GET", "/cart");
        return lines.length === 0;
      });
      await holder.expect(409, "POST", `${path}/cancel`, { body: {} });
    });

    it("are cancelled with the token, and then the cart can be ordered again", async () => {
      const someone = await guest(3);
      const first = await order(someone, "a@example.com");
      const twice = await order(someone, "b@example.com");
      assert.deepEqual([twice.status, twice.body.code], [409, "CART_ALREADY_ORDERED"]);
      const holder = shop.http.with({ "x-order-token": tokenOf(first) });
      const { status } = await holder.expect<OrderView>(200, "POST", `/orders/${first.body.id}/cancel`, {
        body: {},
      });
      assert.equal(status, "cancelled");
      assert.equal((await order(someone, "a@example.com")).status, 201);
    });

    it("are one order of five posts with five keys and five addresses at once", async () => {
      const someone = await guest(1);
      const replies = await Promise.all(
        Array.from({ length: 5 }, (_, n) => order(someone, `five-${n}@example.com`)),
      );
      assert.equal(replies.filter((it) => it.status === 201).length, 1);
    });

    it("are possible with the address of an account, and are not shown in it", async () => {
      const ann = await signUp(shop.http);
      const placed = await order(await guest(), ann.email);
      assert.equal(placed.status, 201);
      const now = await signIn(shop.http, ann.email);
      assert.deepEqual((await now.http.expect<{ items: unknown[] }>(200, "GET", "/orders")).items, []);
      for (const http of [now.http, shop.http.with({ "x-cart-id": newId() })])
        assert.ok([401, 404].includes((await http.request("GET", `/orders/${placed.body.id}`)).status));
      const found = await staff.http.expect<{ items: OrderView[] }>(
        200,
        "GET",
        `/orders?all=true&email=${encodeURIComponent(ann.email)}`,
      );
      assert.deepEqual(
        found.items.map((it) => it.id),
        [placed.body.id],
      );
    });

    it("are nobody's else: with no token, another order's, or a made-up one", async () => {
      const [mine, other] = [
        await order(await guest(), "c@example.com"),
        await order(await guest(), "d@example.com"),
      ];
      const path = `/orders/${mine.body.id}`;
      const stranger = await signUp(shop.http);
      for (const [method, route, body] of [
        ["GET", path, undefined],
        ["POST", `${path}/cancel`, {}],
        ["POST", `${path}/payments`, { provider: "sandbox" }],
        ["POST", `${path}/tickets`, {}],
        ["GET", `${path}/events`, undefined],
      ] as const) {
        const options = { ...(body && { body }), headers: { "idempotency-key": newId() } };
        assert.equal((await shop.http.request(method, route, options)).status, 401, route);
        assert.equal((await stranger.http.request(method, route, options)).status, 404, route);
        for (const token of [tokenOf(other), "A".repeat(43)]) {
          const reply = await shop.http.with({ "x-order-token": token }).request(method, route, options);
          assert.equal(reply.status, 404, route);
          const none = await shop.http
            .with({ "x-order-token": token })
            .request<Answer>(method, route.replace(mine.body.id, newId()), {
              ...options,
              headers: { "idempotency-key": newId() },
            });
          assert.equal(none.body.code, "NOT_FOUND");
        }
      }
      assert.equal((await staff.http.request("GET", path)).status, 200);
    });

    it("need an e-mail address and a cart, and are no way around an account's", async () => {
      const body = { shippingAddress: home, payment: { provider: "sandbox" } };
      const post = (http: Guest["http"], more: object) =>
        http.request<Answer>("POST", "/orders", {
          body: { ...body, ...more },
          headers: { "idempotency-key": newId() },
        });
      const someone = await guest();
      assert.equal((await post(someone.http, {})).status, 401);
      assert.equal((await post(shop.http, { email: "e@example.com" })).body.code, "CART_EMPTY");
      const unknown = shop.http.with({ "x-cart-id": newId() });
      assert.equal((await post(unknown, { email: "e@example.com" })).body.code, "CART_EMPTY");
      const saved = { email: "e@example.com", shippingAddress: undefined, addressId: newId() };
      assert.equal((await post(someone.http, saved)).body.errors?.[0]?.field, "addressId");
      const ann = await signUp(shop.http);
      await putInCart(ann, sku);
      assert.equal((await post(ann.http, { email: "e@example.com" })).body.errors?.[0]?.field, "email");
      // A customer's cart is no guest's, though its id is the customer's.
      const thief = shop.http.with({ "x-cart-id": ann.id });
      assert.equal((await post(thief, { email: "e@example.com" })).body.code, "CART_EMPTY");
    });

    it("are bounded by e-mail address, whatever the cart and the network, until they are paid or over", async () => {
      const email = `${newId()}@example.com`;
      const replies = await Promise.all(
        Array.from({ length: 8 }, async (_, n) => order(await guest(), n % 2 ? email : email.toUpperCase())),
      );
      const open = replies.filter((it) => it.status === 201);
      for (const it of replies.filter((it) => it.status !== 201))
        assert.deepEqual([it.body.code, it.body.orderIds], ["TOO_MANY_OPEN_ORDERS", []]);
      assert.equal(open.length, 3);
      const [first] = open;
      assert.ok(first);
      await shop.http
        .with({ "x-order-token": tokenOf(first) })
        .expect(200, "POST", `/orders/${first.body.id}/cancel`, { body: {} });
      assert.equal((await order(await guest(), email)).status, 201);
      assert.equal((await order(await guest(), email)).body.code, "TOO_MANY_OPEN_ORDERS");
    });

    it("are bounded by network address, in number and in units", async () => {
      const ip = anAddress();
      const replies = await Promise.all(
        Array.from({ length: 14 }, async () => order(await guest(1, ip), `${newId()}@example.com`)),
      );
      assert.equal(replies.filter((it) => it.status === 201).length, 10);
      const hoarder = anAddress();
      assert.equal((await order(await guest(999, hoarder), `${newId()}@example.com`)).status, 201);
      const more = await order(await guest(2, hoarder), `${newId()}@example.com`);
      assert.equal(more.body.code, "OPEN_QUANTITY_EXCEEDED");
    });

    it("hold stock as any, and give it back", async () => {
      const { sku: lamp } = await putOnSale(staff, { onHand: 2 });
      const { id } = await putInCart({ http: shop.http }, lamp, 2);
      const placed = await order({ cartId: id, http: shop.http.with({ "x-cart-id": id }) }, "f@example.com");
      await stockBecomes(shop.http, lamp, { onHand: 2, held: 2, available: 0 });
      await shop.http
        .with({ "x-order-token": tokenOf(placed) })
        .expect(200, "POST", `/orders/${placed.body.id}/cancel`, { body: {} });
      await stockBecomes(shop.http, lamp, { onHand: 2, held: 0, available: 2 });
    });

    it("keep no secret but hashed", async () => {
      const placed = await order(await guest(), "g@example.com");
      const stored = await shop.node.runtime
        .database("orders")
        .collection<{ _id: string }>("orders")
        .findOne({ _id: placed.body.id });
      assert.ok(!JSON.stringify(stored).includes(tokenOf(placed)));
    });

    it("take no attack for an address or a token", async () => {
      const someone = await guest();
      for (const [what, text] of Object.entries(ATTACK_STRINGS)) {
        const { status, body } = await order(someone, text);
        assert.deepEqual([status, body.errors?.[0]?.field], [422, "email"], what);
        if (!/^[\x20-\x7e]+$/.test(text) || text.trim() !== text || text.length > 4_000) continue;
        const reply = await shop.http.with({ "x-order-token": text }).request("GET", `/orders/${newId()}`);
        assert.equal(reply.status, 422, what);
      }
    });
  });

describe("tickets for an order's events", function () {
  this.timeout(30_000);
  let shop: Shop;
  let ahead = 0;
  let ann: Person;
  let orderId: string;
  before(async () => {
    shop = await startShop({ clock: { now: () => Date.now() + ahead } });
    const { sku } = await putOnSale(await firstAdmin(shop.http));
    ann = await signUp(shop.http);
    await putInCart(ann, sku);
    const { body } = await ann.http.request<OrderView>("POST", "/orders", {
      body: { shippingAddress: home, payment: { provider: "sandbox" } },
      headers: { "idempotency-key": newId() },
    });
    orderId = body.id;
  });
  after(() => shop?.stop());

  const issue = () =>
    ann.http.expect<{ ticket: string; expiresAt: string }>(201, "POST", `/orders/${orderId}/tickets`, {
      body: {},
    });
  async function open(ticket: string, id = orderId) {
    const abort = new AbortController();
    const { status, headers } = await fetch(
      `${shop.url}/api/v1/orders/${id}/events?ticket=${encodeURIComponent(ticket)}`,
      { signal: abort.signal },
    );
    abort.abort();
    return { status, type: headers.get("content-type") ?? "" };
  }

  it("open one stream without a token, and no second one", async () => {
    const { ticket, expiresAt } = await issue();
    assert.ok(Date.parse(expiresAt) - Date.now() <= 60_000);
    assert.deepEqual(await open(ticket), { status: 200, type: "text/event-stream" });
    assert.equal((await open(ticket)).status, 401);
    const both = await issue();
    const raced = await Promise.all([open(both.ticket), open(both.ticket)]);
    assert.deepEqual(raced.map((it) => it.status).sort(), [200, 401]);
  });

  it("are of one order, of a live session, and of a minute", async () => {
    const { ticket } = await issue();
    assert.equal((await open(ticket, newId())).status, 401);
    assert.equal((await open(ticket)).status, 401, "it was used up by the wrong order");
    const late = await issue();
    ahead += 61_000;
    assert.equal((await open(late.ticket)).status, 401);
    const ended = await issue();
    await ann.http.expect(204, "POST", "/auth/logout", { body: { refreshToken: ann.refreshToken } });
    assert.equal((await open(ended.ticket)).status, 401);
  });

  it("take no attack for a ticket", async () => {
    for (const [what, text] of Object.entries(ATTACK_STRINGS)) {
      const { status } = await open(text.toWellFormed());
      assert.ok(status === 422 || status === 414, `${what}: ${status}`);
    }
  });
});
