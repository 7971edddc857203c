/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { everyone, type Rows, staffOnly } from "../../../test/e2e/support/access.ts";

export const rows: Rows = {
  "inventory.get": {
    expect: everyone(200),
    ask: (world) => ({ path: `/inventory/${world.article.sku}` }),
  },
  "inventory.list": {
    expect: staffOnly(200),
    ask: (world) => ({ path: "/inventory", query: { q: world.article.sku, low: "false" } }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "inventory.movements": {
    expect: staffOnly(200),
    ask: (world) => ({ path: `/inventory/${world.article.sku}/movements` }),
  },
  "inventory.configure": {
    expect: staffOnly(200),
    ask: (world) => ({ path: `/inventory/${world.article.sku}`, body: { lowAt: 3 } }),
  },
  "inventory.create": {
    expect: staffOnly(201),
    ask: () => ({ path: "/inventory", body: { sku: `SKU-${newId()}`, onHand: 5 } }),
  },
  "inventory.adjust": {
    expect: staffOnly(200),
    ask: (world) => ({
      path: `/inventory/${world.article.sku}/adjustments`,
      body: { delta: 1, reason: "found one" },
    }),
  },
};
