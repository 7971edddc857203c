/** Invoicing as on a separate node: over its own connection to a shared store, with its own memory of payments. */
import { ServiceBroker } from "moleculer";
import mongoose from "mongoose";
import { createActorHost } from "../../../../broker/actor/runtime/actor-host.ts";
import { actorModel } from "../../../../broker/actor/runtime/document/actor-model.ts";
import { createLocalBus } from "../../../../broker/bus/local/local-bus.ts";
import { envelope, type Message } from "../../../../broker/contract/envelope.ts";
import { derivedV7, newId } from "../../../../broker/contract/ids.ts";
import { loadConfig } from "../../../../broker/moleculer/config.ts";
import { migrateUp, migrationsOf } from "../../../../broker/mongo/migrations.ts";
import { type Clock, systemClock } from "../../../../broker/resilience/clock.ts";
import { silentLog } from "../../../../broker/resilience/silent-log.ts";
import "../../../../services/contracts.ts";
import core from "../../../../services/index.ts";
import { creditNoteModel, invoiceModel } from "../../../../services/payments/invoices/invoice.model.ts";
import { createInvoicing } from "../../../../services/payments/invoices/issue-invoice.ts";
import { createPaymentActor } from "../../../../services/payments/payment/payment.actor.ts";
import { scheduleOf } from "../../../../services/payments/payment/schedule.ts";
import { type Payment, paymentState, type Refund } from "../../../../services/payments/payment/state.ts";
import { anAddress } from "../../../../souk/testing/address.ts";
import { memoryDeadLetters } from "../../../support/bus/memory-dead-letters.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });

interface Options {
  clock?: Clock;
  env?: Record<string, string>;
}

export async function openInvoicing(uri: string, { clock = systemClock, env = {} }: Options = {}) {
  const connection = await mongoose
    .createConnection(uri, {
      dbName: "souk_payments",
      autoIndex: false,
      autoCreate: false,
      monitorCommands: true,
    })
    .asPromise();
  const config = loadConfig(env);
  const definition = createPaymentActor(scheduleOf(config));
  const payments = actorModel(definition).bind(connection);
  const bus = createLocalBus({ deadLetters: memoryDeadLetters(), log: silentLog, clock });
  const host = createActorHost({
    definition,
    model: payments,
    runtime: { bus, clock, config, logger: () => silentLog },
    broker: new ServiceBroker({ logger: false }),
  });
  const models = {
    invoices: invoiceModel.bind(connection),
    creditNotes: creditNoteModel.bind(connection),
  };
  return {
    ...models,
    ...createInvoicing({ ...models, payments: host, fields: {}, clock, config }),
    payments,
    /** Takes no messages from mailboxes. */
    host,
    connection,
    migrate: async () =>
      void (await migrateUp(connection, await migrationsOf(core.migrations.payments), "test", systemClock)),
    async close() {
      await host.stop();
      await bus.close();
      await connection.close();
    },
  };
}

/** The commands that a node sends to its store from now on, each as `find payments`. */
export function commandsOf({ connection }: Pick<InvoicingNode, "connection">): string[] {
  const sent: string[] = [];
  connection
    .getClient()
    .on("commandStarted", ({ commandName, command }) => sent.push(`${commandName} ${command[commandName]}`));
  return sent;
}

export type InvoicingNode = Awaited<ReturnType<typeof openInvoicing>>;

/** A paid order with its payment, as the payments service has it. The payment's id follows from the order's. */
export async function paidOrder(
  { payments }: Pick<InvoicingNode, "payments">,
  { orderId = newId(), refunds = [] }: { orderId?: string; refunds?: Refund[] } = {},
): Promise<Message<"order.paid">> {
  const paymentId = paymentIdOf(orderId);
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
  return orderPaid(state);
}

export const paymentIdOf = (orderId: string): string => derivedV7(orderId, "payment", "test");

const orderPaid = ({
  orderId,
  orderNumber,
  customerId,
}: Pick<Payment, "orderId" | "orderNumber" | "customerId">): Message<"order.paid"> =>
  envelope(
    "order.paid",
    orderId,
    {
      number: orderNumber,
      customerId,
      lines: [
        { sku: "A-1", name: "Lamp", quantity: 2, unitPrice: usd(1_000), total: usd(2_000) },
        { sku: "B-1", name: "Wick", quantity: 1, unitPrice: usd(500), total: usd(500) },
      ],
      total: usd(2_500),
      shippingAddress: anAddress(),
      paymentId: paymentIdOf(orderId),
    },
    { source: "/orders", at: Date.now() },
  );

/** An order with nothing to pay, and so without a payment. */
export function freeOrder(): Message<"order.paid"> {
  const paid = orderPaid({ orderId: newId(), orderNumber: "FREE-1", customerId: newId() });
  const lines = paid.data.lines.map((it) => ({ ...it, unitPrice: usd(0), total: usd(0) }));
  return { ...paid, data: { ...paid.data, lines, total: usd(0), paymentId: null } };
}

/** Has the node's own actor pay an order, so that the node remembers the payment. */
export async function payHere({ host }: Pick<InvoicingNode, "host">): Promise<Message<"order.paid">> {
  const orderId = newId();
  const paid = orderPaid({ orderId, orderNumber: `S-${orderId.slice(-6)}`, customerId: newId() });
  const { number: orderNumber, customerId, total: amount } = paid.data;
  const paymentId = paymentIdOf(orderId);
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const payment = { provider: "sandbox" };
  await host.apply(paymentId, "payment.request", {
    orderId,
    orderNumber,
    customerId,
    amount,
    payment,
    expiresAt,
  });
  await host.apply(paymentId, "payment.report", {
    ...payment,
    eventId: newId(),
    providerRef: `ref of ${paymentId}`,
    status: "captured",
    amount,
    receipt: "SBX-2",
    reason: null,
  });
  return paid;
}

export const refundedMessage = (paid: Message<"order.paid">, { id, amount }: Refund) =>
  envelope(
    "payment.refunded",
    paid.subject,
    { paymentId: paymentIdOf(paid.subject), refundId: id, amount: usd(amount), full: false },
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
