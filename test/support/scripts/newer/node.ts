/**
 * A node like a newer version. It sends more in envelopes, data, parameters and answers. It stores more in its
 * actors' states. It runs beside a node of this version.
 */
import type { Context, ServiceSchema } from "moleculer";
import { z } from "zod";
import {
  type ActionContract,
  actionContract,
  type MessageContract,
} from "../../../../broker/contract/contract.ts";
import { tolerant } from "../../../../broker/contract/tolerant.ts";
import { loadServices, serviceNames } from "../../../../broker/moleculer/extension.ts";
import { startNode } from "../../../../broker/moleculer/node/start-node.ts";
import type { NodeRuntime } from "../../../../broker/moleculer/runtime.ts";
import { actorStates } from "../../../../scripts/support/contracts/actor-states.ts";
import { configOrExit, stopOnSignal } from "../../../../scripts/support/node/run-node.ts";
import { deliveryActor } from "../../../../services/delivery/delivery.actor.ts";
import { importActor } from "../../../../services/imports/job/import.actor.ts";
import core from "../../../../services/index.ts";
import { stockActor } from "../../../../services/inventory/stock.actor.ts";
import { notificationActor } from "../../../../services/notifications/notification/notification.actor.ts";
import { orderActor } from "../../../../services/orders/order/order.actor.ts";
import { machine as paymentMachine } from "../../../../services/payments/payment/payment.actor.ts";
import { returnActor } from "../../../../services/returns/return/return.actor.ts";
import { endpointActor } from "../../../../services/webhooks/endpoints/endpoint.actor.ts";
import { annotated, NOTE } from "./annotated.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What the present schema takes, with more in it. */
const newer = (schema: z.ZodType): z.ZodType =>
  z.unknown().transform((value, context) => {
    const known = tolerant(schema).safeParse(value);
    if (known.success) return annotated(schema, known.data);
    context.issues.push({ code: "custom", message: known.error.message, input: value });
    return z.NEVER;
  });

function sayMore(): void {
  for (const { messages } of core.contracts)
    for (const message of Object.values<Mutable<MessageContract>>(messages))
      message.data = newer(message.data);
}

type Receive = (state: object | null, message: unknown) => { state: object | null };

/** Its states hold more at every depth, which it knows of. */
async function keepMore(): Promise<void> {
  const actors: Record<string, object> = {
    delivery: deliveryActor,
    endpoint: endpointActor,
    import: importActor,
    notification: notificationActor,
    order: orderActor,
    payment: paymentMachine,
    return: returnActor,
    stock: stockActor,
  };
  for (const [name, schema] of Object.entries(await actorStates())) {
    const actor = actors[name] as { receive: Receive } | undefined;
    if (!actor) throw new Error(`the newer node does not know the actor ${name}`);
    const { receive } = actor;
    actor.receive = (state, message) => {
      const decision = receive(state, message);
      if (decision.state === null || decision.state === state) return decision;
      return { ...decision, state: annotated(schema, decision.state) as object };
    };
    Object.assign(schema, {
      parse: (value: unknown) => value,
      safeParse: (value: unknown) => ({ success: true, data: value }),
    });
  }
}

function answerMore(service: ServiceSchema): void {
  type Handler = (this: unknown, ctx: Context) => Promise<unknown>;
  for (const [name, action] of Object.entries(
    (service.actions ?? {}) as Record<string, { handler: Handler }>,
  )) {
    const contract: ActionContract | undefined = actionContract(`${service.name}.${name}`);
    const { handler } = action;
    if (!contract || contract.produces) continue;
    action.handler = async function more(ctx) {
      return annotated(contract.returns, await handler.call(this, ctx));
    };
  }
}

/** An extension of the envelope that is not known. */
async function publishMore({ bus }: NodeRuntime): Promise<void> {
  const publish = bus.publish.bind(bus);
  bus.publish = (message) => publish({ ...message, newerext: "more" } as typeof message);
}

const config = configOrExit(core);
sayMore();
await keepMore();
const services = await loadServices(core, serviceNames(core));
for (const service of services) answerMore(service);
const node = await startNode({ config, services, shop: core, prepare: publishMore });
const { broker } = node;
const call = broker.call.bind(broker) as (name: unknown, params: unknown, options?: object) => unknown;
broker.call = ((name: string | { action: { name: string } }, params: object, options?: object) => {
  const target = typeof name === "string" ? name : name.action.name;
  return call(name, actionContract(target) ? { ...params, ...NOTE } : params, options);
}) as typeof broker.call;
stopOnSignal(async () => node.stop(), config.SHUTDOWN_TIMEOUT + 2_000);
