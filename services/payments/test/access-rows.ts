/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { eventually } from "../../../souk/testing/eventually.ts";
import { payPage } from "../../../souk/testing/people.ts";
import {
  everyone,
  idempotencyKey,
  ownerAndStaff,
  paid,
  type Rows,
  staffOnly,
  unpaid,
  type World,
} from "../../../test/e2e/support/access.ts";

/** A paid order whose invoice is there. */
const invoiced = async (world: World) => {
  const { id } = await paid(world);
  await eventually("the invoice", async () => {
    const { status } = await world.owner.http.request("GET", `/orders/${id}/invoice.pdf`);
    return status === 200;
  });
  return id;
};
/** An order that was paid and refunded, with the number of its credit note. */
const credited = async (world: World) => {
  const { id, payment } = await paid(world);
  await world.staff.http.expect(201, "POST", `/payments/${payment?.id}/refunds`, {
    body: { amount: 1, reason: "A scratch" },
    headers: idempotencyKey(),
  });
  const number = await eventually("the credit note", async () => {
    const path = `/orders/${id}/credit-notes`;
    const { items } = await world.owner.http.expect<{ items: { number: string }[] }>(200, "GET", path);
    return items[0]?.number;
  });
  return { id, number };
};
/** The ids of a payment and of a refund of it, which has succeeded. */
const refunded = async (world: World): Promise<[string, string]> => {
  const { id: orderId, payment } = await paid(world);
  const id = payment?.id ?? "";
  await world.staff.http.expect(201, "POST", `/payments/${id}/refunds`, {
    body: { amount: 1, reason: "A scratch" },
    headers: idempotencyKey(),
  });
  const refundId = await eventually("the refund", async () => {
    const { items } = await world.owner.http.expect<{
      items: { refunds: { id: string; status: string }[] }[];
    }>(200, "GET", `/orders/${orderId}/payments`);
    return items[0]?.refunds.find((it) => it.status === "succeeded")?.id;
  });
  return [id, refundId];
};
/** The path of a pay page without what the client puts in front. */
const pagePath = (url: string) => new URL(url).pathname.replace("/api/v1", "");
export const rows: Rows = {
  "payments.shop": {
    expect: everyone(200),
    ask: () => ({ path: "/shop" }),
    check: (body: { currency: string }) => assert.equal(body.currency, "USD"),
  },
  "payments.listInvoices": {
    expect: staffOnly(200),
    ask: async (world) => {
      await invoiced(world);
      return { path: "/invoices", query: { limit: "1" } };
    },
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "payments.listByOrder": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await unpaid(world)).id}/payments` }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "payments.invoice": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${await invoiced(world)}/invoice.pdf` }),
  },
  "payments.invoiceXml": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${await invoiced(world)}/invoice.xml` }),
  },
  "payments.creditNotes": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await paid(world)).id}/credit-notes` }),
    check: (body: { items: unknown[] }) => assert.deepEqual(body.items, []),
  },
  "payments.creditNote": {
    expect: ownerAndStaff(200),
    ask: async (world) => {
      const { id, number } = await credited(world);
      return { path: `/orders/${id}/credit-notes/${number}` };
    },
  },
  "payments.creditNoteXml": {
    expect: ownerAndStaff(200),
    ask: async (world) => {
      const { id, number } = await credited(world);
      return { path: `/orders/${id}/credit-notes/${number}/credit-note.xml` };
    },
  },
  "payments.webhook": {
    // For every caller: only the provider's signature counts.
    expect: everyone(401),
    ask: () => ({ path: "/payments/webhooks/sandbox", body: { type: "payment.captured" } }),
  },
  "payments.webhookWithKey": {
    expect: everyone(401),
    ask: () => ({ path: "/payments/webhooks/sandbox/a-key", body: { type: "payment.captured" } }),
  },
  "payments.refund": {
    expect: staffOnly(201),
    ask: async (world) => ({
      path: `/payments/${(await paid(world)).payment?.id}/refunds`,
      body: { amount: 1, reason: "a scratch" },
      headers: idempotencyKey(),
    }),
  },
  "payments.endRefund": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/payments/${(await refunded(world)).join("/refunds/")}/end`,
      body: { outcome: "succeeded" },
    }),
  },
  "payments.list": {
    expect: staffOnly(200),
    ask: () => ({
      path: "/payments",
      query: { status: "captured", receipt: "SBX-1", provider: "sandbox", reference: "r", limit: "3" },
    }),
  },
  "payments.ledger": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/ledger", query: { limit: "3" } }),
  },
  "payments.balances": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/ledger/balances" }),
  },
  "payments.openings": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/openings", query: { limit: "3" } }),
  },
  "payments.anomalies": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/anomalies", query: { limit: "3" } }),
  },
  "payments.offered": {
    expect: everyone(200),
    ask: () => ({ path: "/payment-providers" }),
    check: ({ items }: { items: { name: string }[] }) =>
      assert.deepEqual(
        items.map((it) => it.name),
        ["sandbox"],
      ),
  },
  "payments.returnPage": {
    expect: everyone(200),
    ask: () => ({ path: "/payments/return", query: { outcome: "cancelled", orderId: "an-id" } }),
  },
  "payments.sandboxPage": {
    // Anyone who has the address, as at a real provider.
    expect: everyone(200),
    ask: async (world) => ({ path: pagePath(payPage(await unpaid(world))) }),
  },
  "payments.sandboxPay": {
    expect: everyone(202),
    ask: async (world) => ({
      path: pagePath(payPage(await unpaid(world))),
      body: { outcome: "decline", delayMs: 0, times: 1, amount: 1, page: false },
    }),
  },
};
