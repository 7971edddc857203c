/** Outgoing webhooks: endpoints, what is sent to them, and a stream of the shop's events. */
import type { Context } from "moleculer";
import { eventTypes } from "../../broker/contract/contract.ts";
import { envelope } from "../../broker/contract/envelope.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { redactedReason } from "../../broker/contract/secrets/redact.ts";
import { ConfigError } from "../../broker/contract/variables.ts";
import { urlError } from "../../broker/http/outbound/public-address.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { mongo } from "../../mixins/mongo.ts";
import { type Notification, notificationOf, notify } from "../../mixins/notify.ts";
import { taps } from "../../mixins/taps.ts";
import { deliveryStore, newDelivery, sentAgain } from "./deliveries/delivery-store.ts";
import { fanOut } from "./deliveries/fan-out.ts";
import { deliveryViewOf, listDeliveries } from "./deliveries/list-deliveries.ts";
import { createReports } from "./deliveries/report-health.ts";
import { firstIdAt, resendSome, resendsIn, resendViewOf } from "./deliveries/resend-range.ts";
import { Senders } from "./deliveries/senders.ts";
import { type EndpointState, endpointActor } from "./endpoints/endpoint.actor.ts";
import { createEndpointSecrets } from "./endpoints/endpoint-secrets.ts";
import { checkPatterns, matcherOf } from "./endpoints/event-patterns.ts";
import { countEndpoints, endpointView, listEndpoints } from "./endpoints/list-endpoints.ts";
import { createListeners } from "./endpoints/listeners.ts";
import { createEventLog } from "./stream/event-log.ts";
import { webhooks } from "./webhooks.contract.ts";

/** What nodes of this service tell each other. */
const ENDPOINTS = "endpoints";
const DELIVERIES = "deliveries ";

export default defineService(webhooks, {
  mixins: [mongo(), actorHost({ endpoint: endpointActor }), notify(), taps()],

  setup(service) {
    const { broker, config, clock, database, logger: log, actors, isSoleWriter } = service;
    checkConfig(config);
    const listeners = createListeners(actors.endpoint.documents, database, clock);
    const store = deliveryStore(database);
    const secrets = createEndpointSecrets(database, clock);
    const eventLog = createEventLog(database, clock);
    const times = { retryFor: config.WEBHOOKS_RETRY_FOR, retention: config.WEBHOOKS_RETENTION };
    const limitedLog = rateLimitedLog(log);
    const point = broker.souk.testing?.crashPoints("webhooks.deliveries");
    const changed = () => {
      listeners.changed();
      service.notify(ENDPOINTS);
    };
    const senders: Senders = new Senders({
      database,
      clock,
      listeners,
      holder: broker.nodeID,
      isSoleWriter,
      everyMs: broker.souk.testing ? 20 : 1_000,
      tools: {
        store,
        clock,
        settings: {
          allowPrivate: config.WEBHOOKS_ALLOW_PRIVATE,
          concurrency: config.WEBHOOKS_CONCURRENCY,
          timeoutMs: config.WEBHOOKS_TIMEOUT,
          firstMs: config.WEBHOOKS_RETRY_FIRST,
        },
        keysOf: secrets.keysOf,
        report: createReports(actors.endpoint, clock, config.WEBHOOKS_DISABLE_AFTER, changed),
        onTrouble: (error, id) =>
          limitedLog.warn("webhooks", "webhooks of an endpoint wait", { id, reason: redactedReason(error) }),
        point: (name, id) => point?.(name, id),
      },
      async alsoDo(endpoints) {
        const ids = endpoints.map((it) => it.id);
        senders.wake(await resendSome({ database, store, clock, times }, ids));
      },
      onTrouble: (error) => limitedLog.warn("webhooks", "webhooks wait", { reason: redactedReason(error) }),
    });
    const wake = (ids: readonly string[]) => {
      senders.wake(ids);
      if (!isSoleWriter) for (const id of ids) service.notify(DELIVERIES + id);
    };
    return {
      listeners,
      store,
      secrets,
      eventLog,
      times,
      senders,
      changed,
      wake,
      fan: { listeners, store, log: eventLog, clock, times, wake },
      knownEvents: eventTypes(broker.souk.shop.contracts),
    };
  },

  methods: {
    checkUrl(url: string): void {
      const { WEBHOOKS_ALLOW_PRIVATE: allowPrivate, NODE_ENV } = this.config;
      const message = urlError(url, { allowPrivate, production: NODE_ENV === "production" });
      if (message !== undefined)
        throw new SoukError("VALIDATION_FAILED", `url: ${message}`, { errors: [{ field: "url", message }] });
    },
    /** @throws {SoukError} NOT_FOUND */
    async endpoint(id: string): Promise<EndpointState> {
      const found = await this.actors.endpoint.read(id);
      if (!found || found.state.status === "deleted")
        throw new SoukError("NOT_FOUND", "There is no such webhook endpoint.");
      return found.state;
    },
  },

  actions: {
    list({ params }) {
      return listEndpoints(this.actors.endpoint.documents, params);
    },

    async create({ params: { url, types, description = null }, meta }) {
      this.checkUrl(url);
      checkPatterns(types, this.knownEvents);
      if ((await countEndpoints(this.actors.endpoint.documents)) >= this.config.WEBHOOKS_MAX_ENDPOINTS)
        throw new SoukError("WEBHOOK_ENDPOINT_LIMIT");
      const id = meta.resourceId ?? newId();
      const secret = await this.secrets.issue(id);
      const { state } = await this.actors.endpoint.apply(id, "webhook_endpoint.create", {
        url,
        types,
        description,
      });
      this.changed();
      return { ...endpointView(id, state), secret };
    },

    async get({ params: { id } }) {
      return endpointView(id, await this.endpoint(id));
    },

    async update({ params: { id, ...settings } }) {
      await this.endpoint(id);
      if (settings.url !== undefined) this.checkUrl(settings.url);
      if (settings.types) checkPatterns(settings.types, this.knownEvents);
      const { state } = await this.actors.endpoint.apply(id, "webhook_endpoint.update", settings);
      this.changed();
      return endpointView(id, state);
    },

    async remove({ params: { id } }) {
      await this.endpoint(id);
      await this.actors.endpoint.apply(id, "webhook_endpoint.delete", {});
      this.changed();
      await this.secrets.forget(id);
      await this.store.collection.deleteMany({ endpointId: id });
    },

    async rotateSecret({ params: { id } }) {
      const state = await this.endpoint(id);
      return { ...endpointView(id, state), secret: await this.secrets.rotate(id) };
    },

    async test({ params: { id } }) {
      const { status, url } = await this.endpoint(id);
      if (status !== "enabled") throw new SoukError("WEBHOOK_ENDPOINT_DISABLED");
      const now = this.clock.now();
      const { host } = new URL(url);
      const event = envelope("webhook_endpoint.tested", id, { host }, { source: "/webhooks", at: now });
      const delivery = newDelivery(id, event, now, this.times);
      await this.store.writes.insertNew(delivery);
      this.wake([id]);
      return deliveryViewOf(delivery);
    },

    async deliveries({ params }) {
      await this.endpoint(params.id);
      return listDeliveries(this.store, params);
    },

    async delivery({ params: { id } }) {
      const found = await this.store.collection.findOne({ _id: id });
      if (!found) throw new SoukError("NOT_FOUND", "There is no such delivery.");
      return { ...deliveryViewOf(found), body: found.body };
    },

    async resend({ params: { id } }) {
      const found = await this.store.collection.findOneAndUpdate(
        { _id: id },
        sentAgain(this.clock.now(), this.times),
        { returnDocument: "after" },
      );
      if (!found) throw new SoukError("NOT_FOUND", "There is no such delivery.");
      this.wake([found.endpointId]);
      return deliveryViewOf(found);
    },

    async resendRange({ params: { id, from, to, types = ["*"] } }) {
      await this.endpoint(id);
      const resend = {
        _id: newId(),
        endpointId: id,
        from: new Date(from),
        to: new Date(to),
        types,
        status: "running" as const,
        deliveries: 0,
        after: firstIdAt(new Date(from)),
        createdAt: new Date(this.clock.now()),
      };
      await resendsIn(this.database).insertOne(resend);
      return resendViewOf(resend);
    },

    async resendStatus({ params: { id, resendId } }) {
      const found = await resendsIn(this.database).findOne({ _id: resendId, endpointId: id });
      if (!found) throw new SoukError("NOT_FOUND", "There is no such resending.");
      return resendViewOf(found);
    },

    // The gateway streams. It calls `nextEvent` repeatedly.
    async events() {
      const version = await this.eventLog.last();
      if (await this.listeners.follow()) this.changed();
      return { version };
    },

    async nextEvent({ params: { types, after, waitMs } }) {
      await this.listeners.follow();
      return this.eventLog.next(after, matcherOf(types?.split(",") ?? ["*"]), waitMs);
    },
  },

  taps: {
    fanOut(batch) {
      return fanOut(
        this.fan,
        batch.map((it) => it.message),
      );
    },
  },

  events: {
    [notificationOf("webhooks")]: {
      handler(this: { listeners: { changed(): void }; senders: Senders }, { params }: Context<Notification>) {
        const { subject } = params;
        if (subject === ENDPOINTS) this.listeners.changed();
        else if (subject.startsWith(DELIVERIES)) this.senders.wake([subject.slice(DELIVERIES.length)]);
      },
    },
  },

  started() {
    this.senders.start();
  },

  async stopped() {
    await this.senders.stop();
  },
});

function checkConfig({ NODE_ENV, WEBHOOKS_ALLOW_PRIVATE }: Config): void {
  if (NODE_ENV === "production" && WEBHOOKS_ALLOW_PRIVATE)
    throw new ConfigError("WEBHOOKS_ALLOW_PRIVATE: must not be set in production");
}
