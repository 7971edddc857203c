/**
 * Runs the workers that a service's contract declares. They start after the actors and stop before them. Handlers are
 * in the service's schema, under `workers`.
 */
import type { Service, ServiceSchema } from "moleculer";
import type { Consumption } from "../broker/bus/bus.ts";
import { knownContracts } from "../broker/contract/contract.ts";
import { type Envelope, envelope } from "../broker/contract/envelope.ts";
import { derivedId } from "../broker/contract/ids.ts";
import type { WorkerTools } from "../broker/moleculer/handlers.ts";
import { consumesMessages, defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";
import { inTime } from "../broker/resilience/deadline.ts";

/**
 * A worker that takes longer is run again, as after a crash. Some library calls never return when a connection breaks
 * at the wrong moment. They would block their message and their slot for ever.
 */
const WORKER_TIMEOUT_MS = 60_000;

type Handler = (this: Service, message: Envelope, tools: WorkerTools) => Promise<void>;

/** Consumes the message types of the contract's workers. */
export function workers(): Mixin {
  const consumptions = new WeakMap<Service, Consumption[]>();
  return defineMixin({
    covers: ["workers"],
    merged: consumesMessages("workers", {
      async started() {
        const running: Consumption[] = [];
        consumptions.set(this, running);
        const { workers: declared = {} } = knownContracts().find((it) => it.service === this.name) ?? {};
        for (const [worker, { receives }] of Object.entries(declared))
          running.push(
            await this.broker.souk.bus.consumeWorker(
              { service: this.name, worker, receives },
              handlingOf(this, worker),
            ),
          );
      },
      async stopped() {
        const running = consumptions.get(this) ?? [];
        await Promise.all(running.map((it) => it.stop(async () => undefined)));
      },
    }),
  });
}

function handlingOf(service: Service, worker: string): (message: Envelope) => Promise<void> {
  const { workers: handlers = {} } = service.schema as ServiceSchema & { workers?: Record<string, Handler> };
  const handle = handlers[worker];
  if (!handle) throw new Error(`worker ${service.name}.${worker} is declared but has no handler`);
  return (message) =>
    inTime(WORKER_TIMEOUT_MS, handle.call(service, message, { answer: answerTo(message, worker, service) }));
}

function answerTo(cause: Envelope, worker: string, { name, broker }: Service): WorkerTools["answer"] {
  const { bus, clock } = broker.souk;
  return (type, subject, data, part = "") =>
    bus.publish(
      envelope(type, subject, data, {
        source: `/${name}`,
        at: clock.now(),
        id: derivedId(cause.id, worker, type, part),
        cause,
      }),
    );
}
