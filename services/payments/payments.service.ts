/** Payments: opened at providers, decided by their reports, given back. */

import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import { defineServiceFromParts } from "../../broker/moleculer/define-service-from-parts.ts";
import { createOutbox, type OutboxDocument } from "../../broker/mongo/document-outbox.ts";
import { isDuplicateKey } from "../../broker/mongo/duplicate-key.ts";
import { anomalyModel } from "./anomaly.model.ts";
import { creditNoteModel, invoiceModel } from "./invoices/invoice.model.ts";
import { createInvoicing } from "./invoices/issue-invoice.ts";
import { createPdfPrinter } from "./invoices/pdf-printer.ts";
import { checkOwner, creditNotePdf, creditNotesOf, invoicePdf } from "./invoices/read-invoice.ts";
import { ledgerModel } from "./ledger/ledger.model.ts";
import { bookMoney, listTransactions, readBalances } from "./ledger/ledger.ts";
import { attemptsOf, listAnomalies, listOpenings, listPayments } from "./list-payments.ts";
import { paymentModel } from "./payment/model.ts";
import { createPaymentActor } from "./payment/payment.actor.ts";
import { scheduleOf } from "./payment/schedule.ts";
import { paymentView } from "./payment-view.ts";
import { payments } from "./payments.contract.ts";
import { createPaymentMetrics } from "./provider-calls/metrics.ts";
import { openPayment } from "./provider-calls/open-payment.ts";
import { createBulkhead } from "./provider-calls/provider-bulkhead.ts";
import {
  cancelAtProvider,
  captureAtProvider,
  checkAtProvider,
  refundAtProvider,
} from "./provider-calls/provider-workers.ts";
import { createProviders } from "./providers/index.ts";
import { payPage } from "./providers/sandbox/page.ts";
import { statusAt } from "./providers/sandbox/sandbox.ts";
import { endRefund, refundPayment } from "./refund-payment.ts";
import { publicUrl } from "./webhooks/public-url.ts";
import { receiveWebhook } from "./webhooks/receive-webhook.ts";
import { webhookInboxModel } from "./webhooks/webhook-inbox.model.ts";

const owned = {
  models: {
    payments: paymentModel,
    anomalies: anomalyModel,
    inbox: webhookInboxModel,
    invoices: invoiceModel,
    creditNotes: creditNoteModel,
    ledger: ledgerModel,
  },
  actors: {
    payment: {
      definition: (config: Config) => createPaymentActor(scheduleOf(config)),
      model: paymentModel,
    },
  },
};

export default defineServiceFromParts(payments, owned, (tools) => {
  const { models, actors, config, clock, log, runtime } = tools;
  const database = runtime.database("payments");
  const providers = createProviders({ config, clock, log, database, publicUrl: () => publicUrl(config) });
  const { sandbox } = providers.made;
  const outbox = createOutbox({
    collection: database.collection<OutboxDocument>(webhookInboxModel.collection),
    source: "/payments",
    bus: runtime.bus,
    clock,
    log,
  });
  const metrics = createPaymentMetrics(tools.metrics);
  const receiver = { providers, inbox: models.inbox, payments: models.payments, outbox, clock, log, metrics };
  const caller = {
    providers,
    bulkhead: createBulkhead(),
    clock,
    log,
    metrics,
    timeoutMs: config.PROVIDER_TIMEOUT,
  };
  const invoicing = createInvoicing({ ...models, config, clock });
  const printer = createPdfPrinter();
  const documents = { ...models, printer };

  return {
    actions: {
      async listByOrder(ctx) {
        const attempts = await attemptsOf(models.payments, ctx.params.id);
        // Not every order has payments yet; whose it is, orders knows.
        await checkOwner(ctx, attempts[0]?.customerId);
        return { items: attempts.map((it) => it.payment), nextCursor: null };
      },

      invoice: (ctx) => invoicePdf(documents, ctx),

      creditNotes: (ctx) => creditNotesOf(documents, ctx),

      creditNote: (ctx) => creditNotePdf(documents, ctx, ctx.params.number),

      webhook: ({ params, meta }) =>
        receiveWebhook(receiver, { ...params, key: null, address: meta.clientIp ?? null }),

      webhookWithKey: ({ params, meta }) =>
        receiveWebhook(receiver, { ...params, address: meta.clientIp ?? null }),

      async refund({ params: { id, amount, reason }, meta }) {
        const refundId = meta.resourceId ?? newId();
        return paymentView(id, await refundPayment(actors.payment, { id, refundId, amount, reason }));
      },

      endRefund: async ({ params }) => paymentView(params.id, await endRefund(actors.payment, params)),

      list: (ctx) => listPayments(models.payments, ctx.params, (ids) => ctx.call("users.contacts", { ids })),

      openings: ({ params }) => listOpenings(models.payments, params),

      anomalies: ({ params: { limit, cursor } }) => listAnomalies(models.anomalies, limit, cursor),

      ledger: ({ params }) => listTransactions(models.ledger, params),

      balances: () => readBalances(models.ledger),

      providers: () => [...providers.names],

      async sandboxPage({ params: { ref } }) {
        if (sandbox.closed) throw new SoukError("NOT_FOUND");
        const payment = await sandbox.find(ref);
        return payPage(payment, statusAt(payment, clock.now()));
      },

      async sandboxPay({ params: { ref, page, ...decision }, meta }) {
        if (sandbox.closed) throw new SoukError("NOT_FOUND");
        await sandbox.decide(ref, decision);
        if (page) {
          meta.$statusCode = 303;
          meta.$responseHeaders = { Location: `/api/v1/sandbox/pay/${encodeURIComponent(ref)}` };
        }
        return { status: "accepted" };
      },
    },

    workers: {
      openPayment: (message, tools) => openPayment(caller, message, tools, config.INVOICE_MODE === "batch"),
      checkAtProvider: (message, tools) => checkAtProvider(caller, message, tools),
      captureAtProvider: (message, tools) => captureAtProvider(caller, message, tools),
      cancelAtProvider: (message, tools) => cancelAtProvider(caller, message, tools),
      refundAtProvider: (message, tools) => refundAtProvider(caller, message, tools),
      issueInvoice: (message) => invoicing.issueInvoice(message),
      issueCreditNotes: (message) => invoicing.issueCreditNotes(message),
      async recordAnomaly({ data: { id, ...anomaly } }) {
        try {
          await models.anomalies.create({ _id: id, ...anomaly });
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
          return;
        }
        metrics.anomaly(anomaly.provider, anomaly.kind);
        log.warn("staff should look at a payment", { ...anomaly, id });
      },
      bookMoney: ({ data }) => bookMoney(models.ledger, data),
    },

    async started() {
      await providers.start();
      outbox.start();
    },
    async stopped() {
      await outbox.stop();
      await providers.stop();
      await printer.close();
    },
  };
});
