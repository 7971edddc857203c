/** Invoicing as on a separate node: over its own connection to a shared store. */
import mongoose from "mongoose";
import { actorModel } from "../../../../broker/actor/runtime/document/actor-model.ts";
import { envelope, type Message } from "../../../../broker/contract/envelope.ts";
import { derivedV7, newId } from "../../../../broker/contract/ids.ts";
import { loadConfig } from "../../../../broker/moleculer/config.ts";
import { migrateUp, migrationsOf } from "../../../../broker/mongo/migrations.ts";
import { type Clock, systemClock } from "../../../../broker/resilience/clock.ts";
import "../../../../services/contracts.ts";
import core from "../../../../services/index.ts";
import { creditNoteModel, invoiceModel } from "../../../../services/payments/invoices/invoice.model.ts";
import { createInvoicing } from "../../../../services/payments/invoices/issue-invoice.ts";
import { type Payment, paymentState, type Refund } from "../../../../services/payments/payment/state.ts";
import { payments } from "../../../../services/payments/payments.contract.ts";
import { anAddress } from "../../../../souk/testing/address.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });

interface Options {
  clock?: Clock;
  env?: Record<string, string>;
}

export async function openInvoicing(uri: string, { clock = systemClock, env = {} }: Options = {}) {
  const connection = await mongoose
    .createConnection(uri, { dbName: "souk_payments", autoIndex: false, autoCreate: false })
    .asPromise();
  const models = {
    invoices: invoiceModel.bind(connection),
    creditNotes: creditNoteModel.bind(connection),
    payments: actorModel({ ...payments.actors.payment, state: paymentState }).bind(connection),
  };
  return {
    ...models,
    ...createInvoicing({ ...models, fields: {}, clock, config: loadConfig(env) }),
    connection,
    migrate: async () =>
      void (await migrateUp(connection, await migrationsOf(core.migrations.payments), "test", systemClock)),
    close: () => connection.close(),
  };
}

export type InvoicingNode = Awaited<ReturnType<typeof openInvoicing>>;

/** A paid order with its payment, as the payments service has it. The payment's id follows from the order's. */
export async function paidOrder(
  { payments }: Pick<InvoicingNode, "payments">,
  { orderId = newId(), refunds = [] }: { orderId?: string; refunds?: Refund[] } = {},
): Promise<Message<"order.paid">> {
  const paymentId = derivedV7(orderId, "payment", "test");
  const state = paymentState.parse({
    status: "captured",
    orderId,
    orderNumber: `S-${orderId.slice(-6)}`,
    customerId: newId(),
    provider: "sandbox",
    amount: usd(2_500),
    providerRef: "ref",
    nextAction: null,
    captured: 2_500,
    receipt: "SBX-1",
    failure: null,
    refunds,
    createdAt: new Date().toISOString(),
  }) as Payment;
  await payments.db
    .collection<{ _id: string }>(payments.collection.name)
    .updateOne({ _id: paymentId }, { $setOnInsert: { state, version: 1 } }, { upsert: true });
  return envelope(
    "order.paid",
    orderId,
    {
      number: state.orderNumber,
      customerId: state.customerId,
      lines: [
        { sku: "A-1", name: "Lamp", quantity: 2, unitPrice: usd(1_000), total: usd(2_000) },
        { sku: "B-1", name: "Wick", quantity: 1, unitPrice: usd(500), total: usd(500) },
      ],
      total: usd(2_500),
      shippingAddress: anAddress(),
      paymentId,
    },
    { source: "/orders", at: Date.now() },
  );
}

export const refundedMessage = (paid: Message<"order.paid">, { id, amount }: Refund) =>
  envelope(
    "payment.refunded",
    paid.subject,
    { paymentId: paid.data.paymentId, refundId: id, amount: usd(amount), full: false },
    { source: "/payments", at: Date.now() },
  );

export const refund = (amount: number, status: Refund["status"] = "succeeded"): Refund => ({
  id: newId(),
  amount,
  reason: "The lamp was broken",
  status,
  at: new Date().toISOString(),
  origin: "shop",
  refundRef: null,
});
