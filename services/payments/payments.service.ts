/** Payments: opened at providers, decided by their reports, given back. */
import { isDuplicateKey } from "../../broker/duplicate-key.ts";
import { SoukError } from "../../broker/errors.ts";
import { newId } from "../../broker/ids.ts";
import { createOutbox, type OutboxDocument } from "../../broker/outbox.ts";
import { defineService } from "../../broker/service.ts";
import { anomalyModel } from "./anomaly.model.ts";
import { attemptsOf, listAnomalies, listPayments } from "./list-payments.ts";
import { paymentActor } from "./payment.actor.ts";
import { paymentModel } from "./payment.model.ts";
import { paymentView } from "./payment-view.ts";
import { payments } from "./payments.contract.ts";
import { createProviders } from "./providers/index.ts";
import { payPage } from "./providers/sandbox/page.ts";
import { statusAt } from "./providers/sandbox/sandbox.ts";
import { publicUrl } from "./public-url.ts";
import { receiveWebhook, type WebhookOutcome } from "./receive-webhook.ts";
import { refundPayment } from "./refund-payment.ts";
import { webhookInboxModel } from "./webhook-inbox.model.ts";
import { cancelAtProvider, openPayment, refundAtProvider } from "./work-at-provider.ts";

const owned = {
  models: { payments: paymentModel, anomalies: anomalyModel, inbox: webhookInboxModel },
  actors: { payment: { definition: paymentActor, model: paymentModel } },
};

export default defineService(payments, owned, ({ models, actors, config, clock, log, runtime }) => {
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
  const receiver = { providers, inbox: models.inbox, payments: models.payments, outbox, clock, log };
  const work = { providers, clock, log };

  return {
    actions: {
      async listByOrder(ctx) {
        const { id } = ctx.params;
        const { user } = ctx.meta;
        const attempts = await attemptsOf(models.payments, id);
        // Not every order has payments yet; whose it is, orders knows.
        const owner = attempts[0]?.customerId ?? (await ctx.call("orders.owner", { id })).customerId;
        const staff = user?.roles.some((role) => role !== "customer");
        if (!staff && owner !== user?.id) throw new SoukError("NOT_FOUND", "There is no such order.");
        return { items: attempts.map((it) => it.payment), nextCursor: null };
      },

      async webhook({ params, broker: { metrics } }) {
        const count = (provider: string, outcome: WebhookOutcome) => {
          if (!metrics.getMetric(WEBHOOKS))
            metrics.register({
              type: "counter",
              name: WEBHOOKS,
              labelNames: ["provider", "outcome"],
              description: "Webhooks of payment providers",
            });
          metrics.increment(WEBHOOKS, { provider, outcome });
        };
        await receiveWebhook({ ...receiver, count }, params);
        return { received: true };
      },

      async refund({ params: { id, amount, reason }, meta }) {
        const refundId = meta.resourceId ?? newId();
        return paymentView(id, await refundPayment(actors.payment, { id, refundId, amount, reason }));
      },

      list: ({ params }) => listPayments(models.payments, params),

      anomalies: ({ params: { limit, cursor } }) => listAnomalies(models.anomalies, limit, cursor),

      providers: () => [...providers.names],

      async sandboxPage({ params: { ref } }) {
        const payment = await sandbox.find(ref);
        return payPage(payment, statusAt(payment, clock.now()));
      },

      async sandboxPay({ params: { ref, page, ...decision }, meta }) {
        await sandbox.decide(ref, decision);
        if (page) {
          meta.$statusCode = 303;
          meta.$responseHeaders = { Location: `/api/v1/sandbox/pay/${encodeURIComponent(ref)}` };
        }
        return { status: "accepted" };
      },
    },

    workers: {
      openPayment: (message, tools) => openPayment(work, message, tools),
      cancelAtProvider: (message) => cancelAtProvider(work, message),
      refundAtProvider: (message, tools) => refundAtProvider(work, message, tools),
      async recordAnomaly({ data: { id, ...anomaly } }) {
        log.warn("a report did not fit", { ...anomaly, id });
        try {
          await models.anomalies.create({ _id: id, ...anomaly });
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
        }
      },
    },

    async started() {
      await providers.start();
      outbox.start();
    },
    async stopped() {
      await outbox.stop();
      await providers.stop();
    },
  };
});

const WEBHOOKS = "souk.payments.webhooks";
