/** Services declared from their contract: handlers are typed by it, and nothing undeclared can be called. */
import type { Context, Service, ServiceBroker } from "moleculer";
import type { Model } from "mongoose";
import type { ActorDefinition } from "../actor/define-actor.ts";
import { createActorHost } from "../actor/runtime/actor-host.ts";
import type { ActorDocument, ActorHost } from "../actor/runtime/document/actor-host.types.ts";
import type { Consumption } from "../bus/bus.ts";
import type { CallMeta } from "../contract/call-meta.ts";
import type { ActionContract, MessageType, ServiceContract, WorkerContract } from "../contract/contract.ts";
import { envelope } from "../contract/envelope.ts";
import { derivedId } from "../contract/ids.ts";
import { once } from "../mongo/idempotency.ts";
import type { ModelDefinition } from "../mongo/model.ts";
import type { Clock } from "../resilience/clock.ts";
import { inTime } from "../resilience/deadline.ts";
import type { Log } from "../resilience/log.ts";
import type { Config } from "./config.ts";
import type { DefinedService } from "./define-service.ts";
import type { ActionContext, ActionHandler, TypedCall, WorkerHandler } from "./handlers.ts";
import type { NodeRuntime } from "./runtime.ts";

type Models = Record<string, ModelDefinition<never>>;
type Bound<M> = { [K in keyof M]: M[K] extends ModelDefinition<infer T> ? Model<T> : never };

/** An actor of the service, and the model that its documents are kept in. */
export interface HostedActor<S extends object, T extends MessageType> {
  /** Made from the configuration where its decisions depend on it. */
  definition: ActorDefinition<S, T> | ((config: Config) => ActorDefinition<S, T>);
  model: ModelDefinition<ActorDocument<S>>;
}
type Hosts<H> = { [K in keyof H]: H[K] extends HostedActor<infer S, infer T> ? ActorHost<S, T> : never };

/** What a service's handlers work with. */
export interface ServiceTools<M, H> {
  readonly models: Bound<M>;
  readonly actors: Hosts<H>;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly runtime: NodeRuntime;
  readonly metrics: ServiceBroker["metrics"];
  /** Calls an action outside of a request. */
  readonly call: TypedCall;
  /**
   * Tells every node's instance of this service, this one too, that something it may have cached has changed.
   * Volatile: it gets lost while a node is disconnected, so caches need a time limit as well.
   */
  notify(subject: string): void;
}

type KeysOfWorkers<C extends ServiceContract> = keyof C["workers"] & string;

export interface ServiceParts<C extends ServiceContract> {
  actions: { [K in keyof C["actions"] & string]: ActionHandler<C["actions"][K]> };
  workers?: { [K in KeysOfWorkers<C>]: WorkerHandler<C["workers"][K]> };
  /** Receives what an instance of this service gave to `notify`. */
  notified?(subject: string): void;
  /** After the database is there and before mailboxes are consumed. */
  started?(): Promise<void>;
  /** After mailboxes and workers have drained. */
  stopped?(): Promise<void>;
}

/**
 * Declares a service.
 * @param owns models and actors of the service, bound to its own database
 * @param parts handlers; called once per node, with the tools they close over
 */
export function defineServiceFromParts<
  C extends ServiceContract,
  M extends Record<string, unknown> = Record<never, never>,
  H extends Record<string, unknown> = Record<never, never>,
>(
  contract: C,
  owns: { models?: M; actors?: H },
  parts: (tools: ServiceTools<M, H>) => ServiceParts<C>,
): DefinedService {
  // Keyed by instance: one schema may serve several brokers of a process.
  const running = new WeakMap<Service, Running<C>>();
  const of = (service: Service): Running<C> => {
    const found = running.get(service);
    if (!found) throw new Error(`${contract.service} was not created`);
    return found;
  };

  return {
    name: contract.service,
    created(this: Service) {
      const tools = makeTools(this, contract, owns);
      const made = parts(tools);
      for (const name of Object.keys(contract.actions))
        if (!(name in made.actions))
          throw new Error(`${contract.service}.${name} is declared but has no handler`);
      running.set(this, { parts: made, hosts: Object.values(tools.actors), consumptions: [] });
    },
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([name, action]) => [
        name,
        {
          // Moleculer clones and broadcasts schemas, which zod's don't survive: the validator looks this name up.
          params: { $contract: `${contract.service}.${name}` },
          handler(this: Service, ctx: Context) {
            const handler = of(this).parts.actions[
              name as keyof ServiceParts<C>["actions"]
            ] as ActionHandler<ActionContract>;
            const run = () => handler(ctx as unknown as ActionContext<unknown>);
            return needsKey(action, ctx) ? runOnce(this, contract.service, action, ctx, run) : run();
          },
        },
      ]),
    ),
    events: {
      [notification(contract.service)](this: Service, ctx: Context<{ subject: string }>) {
        of(this).parts.notified?.(ctx.params.subject);
      },
    },
    async started(this: Service) {
      const { parts, hosts, consumptions } = of(this);
      await parts.started?.();
      for (const host of hosts) await host.start();
      for (const [worker, { receives }] of Object.entries(contract.workers))
        consumptions.push(await consume(this.broker.souk, contract.service, worker, receives, parts));
    },
    async stopped(this: Service) {
      const { parts, hosts, consumptions } = of(this);
      await Promise.all(consumptions.map((it) => it.stop(async () => undefined)));
      await Promise.all(hosts.map((it) => it.stop()));
      await parts.stopped?.();
    },
  };
}

/** Where the key is optional, a request without one is done as often as it comes. */
const needsKey = ({ idempotent }: ActionContract, { meta }: Context): boolean =>
  idempotent === "required" || (idempotent === "optional" && (meta as CallMeta).idempotencyKey !== undefined);

function runOnce<T>(
  { broker, logger }: Service,
  service: string,
  { status = 200 }: ActionContract,
  ctx: Context,
  work: () => Promise<T> | T,
): Promise<T> {
  const tools = { connection: broker.souk.database(service), clock: broker.souk.clock, log: logger };
  const action = ctx.action?.name ?? service;
  return once(tools, { action, params: ctx.params, meta: ctx.meta as CallMeta, status }, work);
}

const notification = (service: string): string => `${service}.notified`;

/**
 * A worker that has not come back by then is run again, as after a crash: some library calls never return when a
 * connection breaks at the wrong moment, and would keep their message and their place for ever.
 */
const WORKER_TIMEOUT_MS = 60_000;

interface Running<C extends ServiceContract> {
  readonly parts: ServiceParts<C>;
  readonly hosts: readonly ActorHost<object, MessageType>[];
  readonly consumptions: Consumption[];
}

function makeTools<M, H>(
  service: Service,
  contract: ServiceContract,
  owns: { models?: M; actors?: H },
): ServiceTools<M, H> {
  const runtime = service.broker.souk;
  const database = () => runtime.database(contract.service);
  const models = Object.entries((owns.models ?? {}) as Models).map(([name, model]) => [
    name,
    model.bind(database()),
  ]);
  const hosts = Object.entries((owns.actors ?? {}) as Record<string, HostedActor<object, MessageType>>).map(
    ([name, it]) => {
      const definition = typeof it.definition === "function" ? it.definition(runtime.config) : it.definition;
      const mailboxes = contract.actors[definition.type];
      const host = createActorHost({
        definition,
        partitions: mailboxes?.partitions,
        mailbox: mailboxes?.receives ?? [],
        model: it.model.bind(database()),
        runtime,
        broker: service.broker,
        ...(runtime.trial && {
          tuning: runtime.trial.tuning,
          faults: runtime.trial.faults(definition.type),
        }),
      });
      return [name, host];
    },
  );
  return {
    models: Object.fromEntries(models),
    actors: Object.fromEntries(hosts),
    config: runtime.config,
    clock: runtime.clock,
    log: service.logger,
    runtime,
    metrics: service.broker.metrics,
    call: (name, params, options) => service.broker.call(name, params as object, options) as never,
    notify: (subject) =>
      void service.broker.broadcast(notification(contract.service), { subject }, [contract.service]),
  };
}

function consume<C extends ServiceContract>(
  { bus, clock }: NodeRuntime,
  service: string,
  worker: string,
  receives: WorkerContract["receives"],
  made: ServiceParts<C>,
): Promise<Consumption> {
  const handle = made.workers?.[worker as KeysOfWorkers<C>] as WorkerHandler<unknown> | undefined;
  if (!handle) throw new Error(`worker ${service}.${worker} is declared but has no handler`);
  return bus.consumeWorker({ service, worker, receives }, (message) =>
    inTime(
      WORKER_TIMEOUT_MS,
      handle(message as never, {
        answer: (type, subject, data, part = "") =>
          bus.publish(
            envelope(type, subject, data, {
              source: `/${service}`,
              at: clock.now(),
              id: derivedId(message.id, worker, type, part),
              cause: message,
            }),
          ),
      }),
    ),
  );
}
