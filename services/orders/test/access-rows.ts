/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { home } from "../../../souk/testing/people.ts";
import {
  everyone,
  filledCart,
  idempotencyKey,
  ownerAndStaff,
  type Rows,
  signedIn,
  unpaid,
  type World,
} from "../../../test/e2e/support/access.ts";

const isOwnersOrder = (body: { lines: { sku: string }[] }, { article: { sku } }: World) =>
  assert.deepEqual(
    body.lines.map((line) => line.sku),
    [sku],
  );

export const rows: Rows = {
  "orders.place": {
    expect: everyone(201),
    ask: async (world, caller) => {
      // The owner's may have been ordered for another row.
      if (caller === "owner") await world.owner.http.expect(204, "DELETE", "/cart");
      const { headers } = await filledCart(world, caller);
      const body = { shippingAddress: { ...home }, payment: { provider: "sandbox" } };
      const email = caller === "guest" ? { email: "guest@example.com" } : {};
      return { path: "/orders", body: { ...body, ...email }, headers: { ...idempotencyKey(), ...headers } };
    },
  },
  "orders.list": {
    expect: signedIn(200),
    ask: async (world, caller) => {
      if (caller === "owner") await unpaid(world);
      return { path: "/orders", query: { status: "awaiting_payment", limit: "3" } };
    },
    check: (body: { items: unknown[] }, _world, caller) =>
      assert.ok(caller !== "owner" || body.items.length > 0),
  },
  "orders.get": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await unpaid(world)).id}` }),
    check: isOwnersOrder,
  },
  "orders.cancel": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({
      path: `/orders/${(await unpaid(world)).id}/cancel`,
      body: { reason: "too dear" },
    }),
    check: (body: { status: string }) => assert.equal(body.status, "cancelled"),
  },
  "orders.pay": {
    expect: ownerAndStaff(201),
    ask: async (world) => ({
      path: `/orders/${(await unpaid(world)).id}/payments`,
      body: { provider: "sandbox" },
      headers: idempotencyKey(),
    }),
    check: isOwnersOrder,
  },
  "orders.issueTicket": {
    expect: ownerAndStaff(201),
    ask: async (world) => ({ path: `/orders/${(await unpaid(world)).id}/tickets`, body: {} }),
  },
  "orders.events": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await unpaid(world)).id}/events` }),
  },
};
