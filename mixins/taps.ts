/**
 * Runs the taps that a service's contract declares. They start before the workers and stop after them, so that they get
 * what workers send. Handlers are in the service's schema, under `taps`.
 */
import type { Service, ServiceSchema } from "moleculer";
import type { Consumption, Tapped } from "../broker/bus/bus.ts";
import { topologyOf } from "../broker/bus/topology.ts";
import { knownContracts } from "../broker/contract/contract.ts";
import { consumesMessages, defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";

type Handler = (this: Service, batch: readonly Tapped[]) => Promise<void>;

/** Consumes the contract's taps, where the variables do not switch them off. */
export function taps(): Mixin {
  const consumptions = new WeakMap<Service, Consumption[]>();
  return defineMixin({
    covers: ["taps"],
    merged: consumesMessages("taps", {
      async started() {
        const running: Consumption[] = [];
        consumptions.set(this, running);
        const { bus, config } = this.broker.souk;
        const own = knownContracts().filter((it) => it.service === this.name);
        for (const spec of topologyOf(own, config.variables).taps)
          running.push(await bus.consumeTap(spec, handlingOf(this, spec.tap)));
      },
      async stopped() {
        const running = consumptions.get(this) ?? [];
        await Promise.all(running.map((it) => it.stop(async () => undefined)));
      },
    }),
  });
}

function handlingOf(service: Service, tap: string): (batch: readonly Tapped[]) => Promise<void> {
  const { taps: handlers = {} } = service.schema as ServiceSchema & { taps?: Record<string, Handler> };
  const handle = handlers[tap];
  if (!handle) throw new Error(`tap ${service.name}.${tap} is declared but has no handler`);
  return (batch) => handle.call(service, batch);
}
