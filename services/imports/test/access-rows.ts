/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type Row, type Rows, staffOnly, type World } from "../../../test/e2e/support/access.ts";

const file = { type: "text/csv", bytes: Buffer.from("sku,onHand\nIMPORTED-1,3\nBAD,x\n") };

/** The id of an import that has ended. */
async function imported({ shop, admin }: World): Promise<string> {
  const reply = await fetch(`${shop.url}/api/v1/imports?what=stock`, {
    method: "POST",
    headers: { authorization: `Bearer ${admin.accessToken}`, "content-type": file.type },
    body: file.bytes,
  });
  const { id } = (await reply.json()) as { id: string };
  await eventually("the end of the import", async () => {
    const found = await admin.http.expect<{ status: string }>(200, "GET", `/imports/${id}`);
    return found.status === "completed";
  });
  return id;
}

const about = (path: (id: string) => string) => async (world: World) => ({
  path: path(await imported(world)),
});

const exported = (name: string): Row => ({
  expect: staffOnly(200),
  ask: () => ({ path: `/exports/${name}` }),
});

export const rows: Rows = {
  "imports.start": {
    expect: staffOnly(201),
    ask: () => ({ path: "/imports", query: { what: "stock" }, file }),
    check: (body: { status: string }) => assert.equal(body.status, "checking"),
  },
  "imports.list": {
    expect: staffOnly(200),
    ask: async (world) => {
      await imported(world);
      return { path: "/imports", query: { limit: "1" } };
    },
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "imports.get": { expect: staffOnly(200), ask: about((id) => `/imports/${id}`) },
  "imports.events": { expect: staffOnly(200), ask: about((id) => `/imports/${id}/events`) },
  "imports.errors": {
    expect: staffOnly(200),
    ask: about((id) => `/imports/${id}/errors`),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "imports.errorsFile": { expect: staffOnly(200), ask: about((id) => `/imports/${id}/errors.csv`) },
  // It has ended.
  "imports.cancel": {
    expect: staffOnly(409),
    ask: async (world) => ({ path: `/imports/${await imported(world)}/cancel`, body: {} }),
  },
  "imports.exportProducts": exported("products.csv"),
  "imports.exportProductLines": exported("products.jsonl"),
  "imports.exportStock": exported("stock.csv"),
  "imports.exportOrders": exported("orders.csv"),
  "imports.exportCustomers": exported("customers.csv"),
  "imports.exportPayments": exported("payments.csv"),
};
