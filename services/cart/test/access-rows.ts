/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { everyone, filledCart, type Rows } from "../../../test/e2e/support/access.ts";

export const rows: Rows = {
  "cart.get": {
    expect: everyone(200),
    ask: async (world, caller) => ({ path: "/cart", ...(await filledCart(world, caller)) }),
    check: (body: { lines: unknown[] }) => assert.equal(body.lines.length, 1),
  },
  "cart.setItem": {
    expect: everyone(200),
    ask: (world) => ({ path: `/cart/items/${world.article.sku}`, body: { quantity: 2 } }),
  },
  "cart.removeItem": {
    expect: everyone(200),
    ask: async (world, caller) => ({
      path: `/cart/items/${world.article.sku}`,
      ...(await filledCart(world, caller)),
    }),
  },
  "cart.clear": {
    expect: everyone(204),
    ask: async (world, caller) => ({ path: "/cart", ...(await filledCart(world, caller)) }),
  },
};
