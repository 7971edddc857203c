/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { deliveredOrder } from "../../../souk/testing/people.ts";
import {
  idempotencyKey,
  ownerAndStaff,
  type Rows,
  staffOnly,
  type World,
} from "../../../test/e2e/support/access.ts";

const goods = ({ article: { sku } }: World) => ({ lines: [{ sku, quantity: 1 }], reason: "too big" });

const requested = async (world: World) => {
  const { owner, admin, article } = world;
  const { id } = await deliveredOrder(owner, admin, article.sku);
  const request = { body: goods(world), headers: idempotencyKey() };
  return owner.http.expect<{ id: string }>(201, "POST", `/orders/${id}/returns`, request);
};

export const rows: Rows = {
  "returns.request": {
    expect: ownerAndStaff(201),
    ask: async (world) => {
      const { id } = await deliveredOrder(world.owner, world.admin, world.article.sku);
      return { path: `/orders/${id}/returns`, body: goods(world), headers: idempotencyKey() };
    },
  },
  "returns.get": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/returns/${(await requested(world)).id}` }),
  },
  "returns.cancel": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/returns/${(await requested(world)).id}/cancel`, body: {} }),
    check: (body: { status: string }) => assert.equal(body.status, "cancelled"),
  },
  "returns.list": {
    expect: staffOnly(200),
    ask: async (world) => {
      await requested(world);
      return { path: "/returns", query: { status: "requested,approved", limit: "1" } };
    },
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "returns.update": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/returns/${(await requested(world)).id}`,
      body: { status: "refused", reason: "used" },
    }),
    check: (body: { status: string }) => assert.equal(body.status, "refused"),
  },
};
