import assert from "node:assert/strict";
import { Redis } from "ioredis";
import type { ServiceSchema } from "moleculer";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import cart from "../../../services/cart/cart.service.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });

const PRODUCT = newId();
const DETAILS = { slug: "lamp", options: { Colour: "brass" }, image: "https://x.test/1.jpg" };
const shown = (sku: string) => ({ sku, productId: PRODUCT, ...DETAILS, name: `Name of ${sku}` });

/** A small catalogue that replaces products and inventory, and counts calls. */
class Catalogue {
  readonly prices = new Map<string, number>();
  readonly stock = new Map<string, number>();
  asked: string[] = [];

  offer(price: number, stock: number): string {
    const sku = `SKU-${newId()}`;
    this.prices.set(sku, price);
    this.stock.set(sku, stock);
    return sku;
  }

  get services(): ServiceSchema[] {
    const answer =
      <T>(name: string, of: (sku: string) => T[]) =>
      ({ params }: { params: { skus: string[] } }) => {
        this.asked.push(name);
        return params.skus.flatMap(of);
      };
    const variants = answer("variants", (sku) => {
      const price = this.prices.get(sku);
      return price === undefined
        ? []
        : [{ sku, productId: PRODUCT, ...DETAILS, name: `Name of ${sku}`, price: usd(price) }];
    });
    const availability = answer("availability", (sku) => {
      const available = this.stock.get(sku);
      return available === undefined ? [] : [{ sku, available }];
    });
    return [
      { name: "products", actions: { variants } },
      { name: "inventory", actions: { availability } },
    ];
  }
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => errorCode(error) ?? assert.fail(error as Error),
  );

for (const kind of ["MongoDB", "Redis"] as const)
  describe(`the cart service over ${kind}`, () => {
    const catalogue = new Catalogue();
    const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
    const NAMESPACE = `test-${newId()}`;
    let node: ServicesNode;

    before(async () => {
      const redis = { REDIS_URL: redisUrl, CART_TTL: "60s" };
      const env = { NAMESPACE, ...(kind === "Redis" ? redis : {}) };
      node = await startServices([...catalogue.services, cart], { env });
    });
    after(async () => {
      await node.close();
      if (kind !== "Redis") return;
      const redis = new Redis(redisUrl);
      const keys = await redis.keys(`souk-${NAMESPACE}*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
    });

    const someone = (): CallMeta => ({ user: { id: newId(), roles: ["customer"] } });
    const put = (meta: CallMeta, sku: string, quantity: number) =>
      node.call("cart.setItem", { sku, quantity }, meta);
    const get = (meta: CallMeta) => node.call("cart.get", {}, meta);
    const quantities = (view: { lines: { sku: string; quantity: number }[] }) =>
      Object.fromEntries(view.lines.map((it) => [it.sku, it.quantity]));

    it("shows lines with names, prices of now and their total", async () => {
      const [a, b] = [catalogue.offer(1_250, 10), catalogue.offer(99, 10)];
      const meta = someone();
      await put(meta, a, 2);
      const view = await put(meta, b, 1);
      const { revision, ...rest } = view;
      assert.ok(revision > 0);
      assert.deepEqual(rest, {
        id: meta.user?.id,
        lines: [
          { ...shown(a), quantity: 2, unitPrice: usd(1_250), total: usd(2_500) },
          { ...shown(b), quantity: 1, unitPrice: usd(99), total: usd(99) },
        ],
        total: usd(2_599),
        notices: [],
      });
      assert.deepEqual(await get(meta), view);
      assert.deepEqual(await node.call("cart.contents", { userId: meta.user?.id ?? "" }), {
        id: meta.user?.id,
        revision,
        lines: [
          { sku: a, quantity: 2 },
          { sku: b, quantity: 1 },
        ],
      });
    });

    it("asks products and inventory once per PUT", async () => {
      const skus = [catalogue.offer(1, 1), catalogue.offer(1, 1), catalogue.offer(1, 1)];
      const meta = someone();
      for (const sku of skus) {
        catalogue.asked = [];
        await put(meta, sku, 1);
        assert.deepEqual(catalogue.asked.sort(), ["availability", "variants"]);
      }
    });

    it("replaces quantities and takes lines out", async () => {
      const [a, b] = [catalogue.offer(1, 99), catalogue.offer(1, 99)];
      const meta = someone();
      await put(meta, a, 2);
      assert.deepEqual(quantities(await put(meta, a, 5)), { [a]: 5 });
      await put(meta, b, 1);
      assert.deepEqual(quantities(await node.call("cart.removeItem", { sku: a }, meta)), { [b]: 1 });
      assert.equal(await failure(node.call("cart.removeItem", { sku: a }, meta)), "NOT_FOUND");
      await node.call("cart.clear", {}, meta);
      assert.deepEqual((await get(meta)).lines, []);
    });

    it("refuses what is not on sale, and then makes no cart", async () => {
      const meta: CallMeta = {};
      assert.equal(await failure(put(meta, "NOT-THERE", 1)), "SKU_UNKNOWN");
      assert.equal(meta.$responseHeaders, undefined);
    });

    it("refuses quantities that are none", async () => {
      const sku = catalogue.offer(1, 1);
      for (const quantity of [0, -1, 1.5, 1_000])
        assert.equal(await failure(put(someone(), sku, quantity)), "VALIDATION_FAILED");
    });

    it("says what has changed since a line was put in", async () => {
      const [cheaper, gone, short] = [
        catalogue.offer(500, 9),
        catalogue.offer(500, 9),
        catalogue.offer(500, 1),
      ];
      const meta = someone();
      for (const sku of [cheaper, gone, short]) await put(meta, sku, 2);
      catalogue.prices.set(cheaper, 400);
      catalogue.prices.delete(gone);
      const view = await get(meta);
      assert.deepEqual(
        view.notices.map(({ sku, code }) => [sku, code]),
        [
          [cheaper, "price_changed"],
          [gone, "unavailable"],
          [short, "low_stock"],
        ],
      );
      assert.deepEqual(view.total, usd(2 * 400 + 2 * 500));
    });

    describe("of a guest", () => {
      /** As a client does: takes the id from the reply of the first write. */
      async function guestWith(sku: string, quantity: number): Promise<string> {
        const meta: CallMeta = {};
        let headers: Record<string, string> | undefined;
        const view = await node.broker.call("cart.setItem", { sku, quantity }, { meta }).finally(() => {
          headers = meta.$responseHeaders;
        });
        const cartId = headers?.["X-Cart-Id"];
        assert.ok(cartId, "the reply names the cart");
        assert.equal((view as { id: string }).id, cartId);
        return cartId;
      }

      it("is made by the first write, and found by its id from then on", async () => {
        const [a, b] = [catalogue.offer(1, 9), catalogue.offer(1, 9)];
        const cartId = await guestWith(a, 2);
        assert.deepEqual(quantities(await put({ cartId }, b, 1)), { [a]: 2, [b]: 1 });
        assert.deepEqual(quantities(await get({ cartId })), { [a]: 2, [b]: 1 });
        assert.deepEqual((await get({})).lines, []);
      });

      it("never is a user's", async () => {
        const sku = catalogue.offer(1, 9);
        const meta = someone();
        await put(meta, sku, 3);
        const cartId = meta.user?.id ?? "";
        assert.deepEqual((await get({ cartId })).lines, []);
        await put({ cartId }, sku, 1);
        assert.deepEqual(quantities(await get(meta)), { [sku]: 3 });
      });

      it("comes into the user's once, at login or with the next request", async () => {
        const [a, b] = [catalogue.offer(1, 9), catalogue.offer(1, 9)];
        const meta = someone();
        await put(meta, a, 1);
        const cartId = await guestWith(a, 2);
        await put({ cartId }, b, 1);
        const expected = { [a]: 3, [b]: 1 };
        const both = { ...meta, cartId };
        const views = await Promise.all([
          get(both),
          get(both),
          node.call("cart.merge", { cartId, userId: meta.user?.id ?? "" }),
        ]);
        assert.equal(views.length, 3);
        assert.deepEqual(quantities(await get(both)), expected);
        assert.deepEqual(quantities(await get(meta)), expected);
        assert.deepEqual((await get({ cartId })).lines, []);
      });
    });

    it("lets go of what was bought when the order is paid, once", async () => {
      const [a, b] = [catalogue.offer(100, 99), catalogue.offer(100, 99)];
      const meta = someone();
      const customerId = meta.user?.id ?? "";
      await put(meta, a, 5);
      await put(meta, b, 1);
      const line = (sku: string, quantity: number) => ({
        sku,
        quantity,
        name: sku,
        unitPrice: usd(100),
        total: usd(100 * quantity),
      });
      const paid = (lines: ReturnType<typeof line>[]) =>
        envelope(
          "order.paid",
          newId(),
          {
            number: "S-1",
            customerId,
            lines,
            total: usd(100 * lines.reduce((sum, it) => sum + it.quantity, 0)),
            shippingAddress: anAddress(),
            paymentId: newId(),
          },
          { source: "/orders", at: Date.now() },
        );
      // Not awaited: other receivers of the message do not run here.
      const say = (message: ReturnType<typeof paid>) =>
        void Promise.allSettled([node.runtime.bus.publish(message)]);
      const first = paid([line(a, 3), line(b, 1)]);
      for (let times = 0; times < 3; times++) say(first);
      await eventually(
        "the bought items are out of the cart",
        async () => quantities(await get(meta))[b] === undefined,
      );
      assert.deepEqual(quantities(await get(meta)), { [a]: 2 });
      say(paid([line(a, 1)]));
      await eventually("what is bought next, too", async () => (quantities(await get(meta))[a] ?? 0) < 2);
      assert.deepEqual(quantities(await get(meta)), { [a]: 1 });
    });
  });
