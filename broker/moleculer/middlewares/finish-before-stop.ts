/**
 * Lets a node finish its requests before it stops. It has announced that it serves no more, and answers late requests
 * for a moment. Then no service stops before all requests on this node have ended, because they need each other's
 * services. Moleculer waits only for each service's own requests. A node that has started announces it at once.
 * Moleculer would do so later.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, Middleware, Service, ServiceBroker } from "moleculer";

const LOOK_EVERY_MS = 20;

export const finishBeforeStop: Middleware = {
  name: "FinishBeforeStop",

  async started(broker: ServiceBroker) {
    await broker.registry.discoverer.sendLocalNodeInfo();
    await broker.registry.discoverer.sendHeartbeat();
  },

  async stopping(broker: ServiceBroker) {
    const until = performance.now() + (broker.options.tracking?.shutdownTimeout ?? 0);
    while (broker.services.some(isBusy) && performance.now() < until) await sleep(LOOK_EVERY_MS);
  },
};

/** Moleculer's tracker has the running requests of the service. */
const isBusy = (service: Service): boolean =>
  ((service as Service & { _trackedContexts?: Context[] })._trackedContexts?.length ?? 0) > 0;
