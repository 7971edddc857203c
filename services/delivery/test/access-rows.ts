/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { paidOrder } from "../../../souk/testing/people.ts";
import { ownerAndStaff, paid, type Rows, staffOnly, type World } from "../../../test/e2e/support/access.ts";

const delivered = async ({ owner, article, admin }: World) => {
  const { id } = await paidOrder(owner, article.sku);
  const { id: deliveryId } = await admin.http.expect<{ id: string }>(200, "GET", `/orders/${id}/delivery`);
  return deliveryId;
};
export const rows: Rows = {
  "delivery.getByOrder": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await paid(world)).id}/delivery` }),
  },
  "delivery.list": {
    expect: staffOnly(200),
    ask: async (world) => {
      await delivered(world);
      return { path: "/deliveries", query: { status: "created,shipped", limit: "1" } };
    },
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "delivery.update": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/deliveries/${await delivered(world)}`,
      body: { status: "shipped", tracking: "SOUK-1", reason: "left the house" },
    }),
  },
};
