/** Payments: opened at providers, decided by their reports, refunded. */

import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { publicUrl } from "../../broker/http/public-url.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { idempotency } from "../../mixins/idempotency.ts";
import { mongo } from "../../mixins/mongo.ts";
import { outbox } from "../../mixins/outbox.ts";
import { workers } from "../../mixins/workers.ts";
import { anomalyModel } from "./anomaly.model.ts";
import { creditNoteModel, invoiceModel } from "./invoices/invoice.model.ts";
import { createInvoicing } from "./invoices/issue-invoice.ts";
import { listInvoices } from "./invoices/list-invoices.ts";
import { createPdfPrinter } from "./invoices/pdf-printer.ts";
import {
  checkOwner,
  creditNotePdf,
  creditNotesOf,
  creditNoteXml,
  invoicePdf,
  invoiceXml,
} from "./invoices/read-invoice.ts";
import { readLogo } from "./invoices/seller-logo.ts";
import { ledgerModel } from "./ledger/ledger.model.ts";
import { bookMoney, listTransactions, readBalances } from "./ledger/ledger.ts";
import { attemptsOf, listAnomalies, listOpenings, listPayments } from "./list-payments.ts";
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
import { coreProviders, createProviders } from "./providers/create-providers.ts";
import { offeredProviders } from "./providers/offered-providers.ts";
import { payPage } from "./providers/sandbox/page.ts";
import { sandbox, statusAt } from "./providers/sandbox/sandbox.ts";
import { recordAnomaly } from "./record-anomaly.ts";
import { endRefund, refundPayment } from "./refund-payment.ts";
import { returnedPage } from "./return-page.ts";
import { shopOf } from "./shop-view.ts";
import { receiveWebhook } from "./webhooks/receive-webhook.ts";
import { webhookInboxModel } from "./webhooks/webhook-inbox.model.ts";

export default defineService(payments, {
  mixins: [
    mongo({
      anomalies: anomalyModel,
      inbox: webhookInboxModel,
      invoices: invoiceModel,
      creditNotes: creditNoteModel,
      ledger: ledgerModel,
    }),
    outbox(webhookInboxModel),
    actorHost({ payment: (config: Config) => createPaymentActor(scheduleOf(config)) }),
    idempotency(),
    workers(),
  ],

  setup({ broker, call, config, clock, database, logger: log, models, actors, outbox }) {
    const { shop } = broker.souk;
    const providers = createProviders(
      { config, clock, log, database, call, publicUrl: () => publicUrl(config) },
      [...coreProviders, ...(shop.providers ?? [])],
    );
    const metrics = createPaymentMetrics(broker.metrics);
    const { inbox, anomalies } = models;
    const payments = actors.payment.documents;
    return {
      providers,
      caller: {
        providers,
        bulkhead: createBulkhead(),
        clock,
        log,
        metrics,
        timeoutMs: config.PROVIDER_TIMEOUT,
      },
      webhooks: { providers, inbox, payments, outbox, clock, log, metrics },
      anomalies: { anomalies, metrics, log },
      invoicing: createInvoicing({ ...models, payments: actors.payment, fields: shop.fields, config, clock }),
      documents: {
        ...models,
        payments,
        printer: createPdfPrinter(readLogo(config.SELLER_LOGO)),
        titleOf: providers.titleOf,
      },
    };
  },

  methods: {
    /** @throws {SoukError} NOT_FOUND where it is switched off */
    sandbox() {
      const adapter = this.providers.of(sandbox);
      if (!adapter || adapter.closed) throw new SoukError("NOT_FOUND");
      return adapter;
    },
  },

  actions: {
    async listByOrder(ctx) {
      const attempts = await attemptsOf(this.actors.payment.documents, ctx.params.id);
      // An order may have no payments yet. Then orders knows its owner.
      await checkOwner(ctx, attempts[0]?.customerId);
      return { items: attempts.map((it) => it.payment), nextCursor: null };
    },

    listInvoices({ params }) {
      return listInvoices(this.models.invoices, params);
    },

    async shop() {
      return shopOf(this.config);
    },

    invoice(ctx) {
      return invoicePdf(this.documents, ctx);
    },

    invoiceXml(ctx) {
      return invoiceXml(this.documents, ctx);
    },

    creditNotes(ctx) {
      return creditNotesOf(this.documents, ctx);
    },

    creditNote(ctx) {
      return creditNotePdf(this.documents, ctx, ctx.params.number);
    },

    creditNoteXml(ctx) {
      return creditNoteXml(this.documents, ctx, ctx.params.number);
    },

    webhook({ params, meta }) {
      return receiveWebhook(this.webhooks, { ...params, key: null, address: meta.clientIp ?? null });
    },

    webhookWithKey({ params, meta }) {
      return receiveWebhook(this.webhooks, { ...params, address: meta.clientIp ?? null });
    },

    async refund({ params: { id, amount, reason }, meta }) {
      const refundId = meta.resourceId ?? newId();
      return paymentView(id, await refundPayment(this.actors.payment, { id, refundId, amount, reason }));
    },

    async endRefund({ params }) {
      return paymentView(params.id, await endRefund(this.actors.payment, params));
    },

    list(ctx) {
      const { modules } = this.providers;
      const payments = this.actors.payment.documents;
      const contacts = (ids: string[]) => ctx.call("users.contacts", { ids });
      return listPayments({ payments, contacts, modules }, ctx.params);
    },

    openings({ params }) {
      return listOpenings(this.actors.payment.documents, params);
    },

    anomalies({ params: { limit, cursor } }) {
      return listAnomalies(this.models.anomalies, limit, cursor);
    },

    ledger({ params }) {
      return listTransactions(this.models.ledger, params);
    },

    balances() {
      return readBalances(this.models.ledger);
    },

    providers() {
      return [...this.providers.names];
    },

    offered() {
      return { items: offeredProviders(this.providers), nextCursor: null };
    },

    returnPage({ params: { outcome } }) {
      return returnedPage(outcome);
    },

    async sandboxPage({ params: { ref } }) {
      const payment = await this.sandbox().find(ref);
      return payPage(payment, statusAt(payment, this.clock.now()));
    },

    async sandboxPay({ params: { ref, page, ...decision }, meta }) {
      await this.sandbox().decide(ref, decision);
      if (page) {
        meta.$statusCode = 303;
        meta.$responseHeaders = { Location: `/api/v1/sandbox/pay/${encodeURIComponent(ref)}` };
      }
      return { status: "accepted" };
    },
  },

  workers: {
    openPayment(message, tools) {
      return openPayment(this.caller, message, tools, this.config.INVOICE_MODE === "batch");
    },
    checkAtProvider(message, tools) {
      return checkAtProvider(this.caller, message, tools);
    },
    captureAtProvider(message, tools) {
      return captureAtProvider(this.caller, message, tools);
    },
    cancelAtProvider(message, tools) {
      return cancelAtProvider(this.caller, message, tools);
    },
    refundAtProvider(message, tools) {
      return refundAtProvider(this.caller, message, tools);
    },
    issueInvoice(message) {
      return this.invoicing.issueInvoice(message);
    },
    issueCreditNotes(message) {
      return this.invoicing.issueCreditNotes(message);
    },
    recordAnomaly({ data }) {
      return recordAnomaly(this.anomalies, data);
    },
    bookMoney({ data }) {
      return bookMoney(this.models.ledger, data);
    },
  },

  async started() {
    await this.providers.start();
  },

  async stopped() {
    await this.providers.stop();
    await this.documents.printer.close();
  },
});
