/**
 * A node that stops has told the others that it serves no more, and answers for a moment what comes late. Then no service
 * stops before all that is under way here has ended: requests need each other's services. Moleculer waits for each
 * service's own requests only. And a node that has started tells the others at once, not when Moleculer gets round to it.
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

/** Moleculer's tracker keeps what runs at the service. */
const isBusy = (service: Service): boolean =>
  ((service as unknown as { _trackedContexts?: Context[] })._trackedContexts?.length ?? 0) > 0;
