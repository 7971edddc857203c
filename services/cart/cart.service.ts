/** Carts of users and guests. */
import { LRUCache } from "lru-cache";
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { defineServiceFromParts } from "../../broker/moleculer/define-service-from-parts.ts";
import { cart } from "./cart.contract.ts";
import { type Cart, type CartLines, type CartOwner, NO_CART } from "./cart-store.ts";
import { viewCart } from "./cart-view.ts";
import { type Caller, lookUp } from "./catalogue.ts";
import { mongoCartStore } from "./mongo-cart-store.ts";
import { putLine } from "./put-line.ts";
import { redisCartStore } from "./redis-cart-store.ts";

/** Carts whose SKUs a node remembers. */
const HINTS = 5_000;

export default defineServiceFromParts(cart, {}, ({ config, clock, log, runtime }) => {
  const { REDIS_URL, CART_TTL: ttl, NAMESPACE, CURRENCY } = config;
  const store = REDIS_URL
    ? redisCartStore({ url: REDIS_URL, prefix: `souk-${NAMESPACE}:`, ttl, log })
    : mongoCartStore({ database: runtime.database("cart"), clock, ttl });
  const tools = { store, clock, hints: new LRUCache<string, readonly string[]>({ max: HINTS }) };

  /**
   * The caller's cart: a user's is known by the user's id. What a user has put in as a guest comes along, as long as
   * the request still names the guest's cart. Null for a guest without a cart.
   */
  async function callersCart({ user, cartId }: CallMeta): Promise<{ id: string; owner: CartOwner } | null> {
    if (!user) return cartId ? { id: cartId, owner: { guest: cartId } } : null;
    if (cartId) await store.merge(cartId, user.id);
    return { id: user.id, owner: { user: user.id } };
  }

  const view = async (ctx: Caller, id: string, found: Cart) =>
    viewCart(id, found, await lookUp(ctx, skusOf(found.lines)), CURRENCY);

  return {
    actions: {
      async get(ctx) {
        const found = await callersCart(ctx.meta);
        return found ? view(ctx, found.id, await store.read(found.owner)) : view(ctx, newId(), NO_CART);
      },

      async setItem(ctx) {
        const { params, meta } = ctx;
        const found = await callersCart(meta);
        const id = found?.id ?? newId();
        const put = { id, owner: found?.owner ?? { guest: id }, ...params };
        const { changed, catalogue } = await putLine(tools, ctx, put);
        // A guest's first cart: the reply says how to come back to it.
        if (!found) meta.$responseHeaders = { ...meta.$responseHeaders, "X-Cart-Id": id };
        return viewCart(id, changed, catalogue, CURRENCY);
      },

      async removeItem(ctx) {
        const { sku } = ctx.params;
        const found = await callersCart(ctx.meta);
        const left = found && (await store.removeLine(found.owner, sku));
        if (!left) throw new SoukError("NOT_FOUND", `There is no ${sku} in the cart.`);
        return view(ctx, found.id, left);
      },

      async clear({ meta }) {
        const found = await callersCart(meta);
        if (found) await store.clear(found.owner);
      },

      merge: ({ params: { cartId, userId } }) => store.merge(cartId, userId),

      async contents({ params: { userId } }) {
        const { revision, lines } = await store.read({ user: userId });
        return { id: userId, revision, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) };
      },
    },

    workers: {
      dropBought: ({ subject: orderId, data: { customerId, lines } }) =>
        store.dropBought(customerId, orderId, lines),
    },

    stopped: () => store.close(),
  };
});

const skusOf = (lines: CartLines): string[] => lines.map((it) => it.sku);
