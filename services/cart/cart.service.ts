/** Carts of users and guests. */
import { LRUCache } from "lru-cache";
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { cache } from "../../mixins/cache.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { callersCart } from "./callers-cart.ts";
import { cart } from "./cart.contract.ts";
import { type Cart, type CartOwner, NO_CART } from "./cart-store.ts";
import { viewCart } from "./cart-view.ts";
import { type Caller, lookUp } from "./catalogue.ts";
import { mongoCartStore } from "./mongo-cart-store.ts";
import { putLine } from "./put-line.ts";
import { redisCartStore } from "./redis-cart-store.ts";

/** How many carts' SKUs a node remembers. */
const HINTS = 5_000;

export default defineService(cart, {
  mixins: [
    mongo(),
    cache(() => ({ hints: new LRUCache<string, readonly string[]>({ max: HINTS }) })),
    workers(),
  ],

  setup({ config, clock, database, isSoleWriter, logger }) {
    const { REDIS_URL: url, CART_TTL: ttl, NAMESPACE } = config;
    const carts = url
      ? redisCartStore({ url, prefix: `souk-${NAMESPACE}:`, ttl, log: logger })
      : mongoCartStore({ database, clock, ttl, isSoleWriter });
    return { carts };
  },

  methods: {
    async view(ctx: Caller, id: string, found: Cart) {
      const catalogue = await lookUp(
        ctx,
        found.lines.map((it) => it.sku),
      );
      return viewCart(id, found, catalogue, this.config.CURRENCY);
    },

    async contentsOf(id: string, owner: CartOwner) {
      const { revision, lines } = await this.carts.read(owner);
      return { id, revision, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) };
    },
  },

  actions: {
    async get(ctx) {
      const mine = await callersCart(this.carts, ctx.meta);
      return mine
        ? this.view(ctx, mine.id, await this.carts.read(mine.owner))
        : this.view(ctx, newId(), NO_CART);
    },

    async setItem(ctx) {
      const { params, meta } = ctx;
      const mine = await callersCart(this.carts, meta);
      const id = mine?.id ?? newId();
      const put = { id, owner: mine?.owner ?? { guest: id }, ...params };
      const tools = { store: this.carts, clock: this.clock, hints: this.caches.hints };
      const { changed, catalogue } = await putLine(tools, ctx, put);
      // A guest's first cart. The reply tells its id.
      if (!mine) meta.$responseHeaders = { ...meta.$responseHeaders, "X-Cart-Id": id };
      return viewCart(id, changed, catalogue, this.config.CURRENCY);
    },

    async removeItem(ctx) {
      const { sku } = ctx.params;
      const mine = await callersCart(this.carts, ctx.meta);
      const left = mine && (await this.carts.removeLine(mine.owner, sku));
      if (!left) throw new SoukError("NOT_FOUND", `There is no ${sku} in the cart.`);
      return this.view(ctx, mine.id, left);
    },

    async clear({ meta }) {
      const mine = await callersCart(this.carts, meta);
      if (mine) await this.carts.clear(mine.owner);
    },

    merge({ params: { cartId, userId } }) {
      return this.carts.merge(cartId, userId);
    },

    contents({ params: { userId } }) {
      return this.contentsOf(userId, { user: userId });
    },

    guestContents({ params: { cartId } }) {
      return this.contentsOf(cartId, { guest: cartId });
    },
  },

  workers: {
    dropBought({ subject: orderId, data: { customerId, guestCartId, lines } }) {
      const owner = guestCartId === undefined ? { user: customerId } : { guest: guestCartId };
      return this.carts.dropBought(owner, orderId, lines);
    },

    /** A repeated message finds it empty. */
    async clearErased({ data: { userId } }) {
      const owner = { user: userId };
      const { lines } = await this.carts.read(owner);
      if (lines.length > 0) await this.carts.clear(owner);
    },
  },

  stopped() {
    return this.carts.close();
  },
});
