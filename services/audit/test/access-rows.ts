/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { eventually } from "../../../souk/testing/eventually.ts";
import { paid, type Rows, staffOnly, type World } from "../../../test/e2e/support/access.ts";

/** An order whose messages are in the log. */
const recorded = async (world: World) => {
  const { id } = await paid(world);
  await eventually("the log has it", async () => {
    const { status } = await world.admin.http.request("GET", `/orders/${id}/timeline`);
    return status === 200;
  });
  return id;
};

export const rows: Rows = {
  "audit.list": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: "/audit", query: { subject: await recorded(world), limit: "1" } }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "audit.timeline": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: `/orders/${await recorded(world)}/timeline`, query: { limit: "5" } }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 5),
  },
};
