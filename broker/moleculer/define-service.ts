/** Services declared from their contract. It types the handlers, and nothing undeclared can be called. */
import type { CallingOptions, Service, ServiceSchema } from "moleculer";
import type { Tapped } from "../bus/bus.ts";
import type { ServiceContract } from "../contract/contract.ts";
import type { Clock } from "../resilience/clock.ts";
import type { Config } from "./config.ts";
import type { ActionHandlers, TypedCall, WorkerHandlers } from "./handlers.ts";
import { type Added, defineMixin, type Mixin, type OpenSchema, type Requirement } from "./mixin.ts";

/** What every service has on `this`, in addition to Moleculer's own members. */
export interface ServiceBase {
  readonly config: Config;
  readonly clock: Clock;
  /** Calls an action outside a request. */
  readonly call: TypedCall;
}

/** `this` of a service with the mixins `X`. */
export type ServiceWith<X extends readonly unknown[]> = Service & ServiceBase & Added<X>;

/** The handlers. May be omitted where the contract declares none. */
type Workers<C extends ServiceContract> = keyof C["workers"] extends never
  ? { workers?: WorkerHandlers<C> }
  : { workers: WorkerHandlers<C> };

export interface ServiceDefinition<
  C extends ServiceContract,
  X extends readonly Mixin[],
  P extends object,
  M extends object,
> extends Omit<OpenSchema, "methods"> {
  /** Created and started in this order, before the service. Stopped after it. */
  mixins?: X;
  /**
   * Makes the tools that handlers pass to use cases. The result is put on `this`. Runs once per instance, after the
   * mixins' `created`.
   */
  setup?: (service: ServiceWith<X>) => P;
  actions: ActionHandlers<C>;
  /** One handler for each tap of the contract. */
  taps?: Readonly<Record<string, (batch: readonly Tapped[]) => Promise<void>>>;
  methods?: M;
  /** Runs before the service's actors and workers receive messages. */
  started?(): Promise<void> | void;
  /** Runs when its actors and workers have drained. */
  stopped?(): Promise<void> | void;
}

/** A service's Moleculer schema, with a name for declaration files. */
export interface DefinedService extends ServiceSchema {
  readonly name: string;
}

/**
 * Declares a service. Handlers that use `this` must be methods, because arrow functions have no `this`.
 * @throws when a declared action has no handler, or no mixin covers what the contract declares
 */
export function defineService<
  C extends ServiceContract,
  const X extends readonly Mixin[] = readonly [],
  P extends object = object,
  M extends object = Record<never, never>,
>(
  contract: C,
  definition: ServiceDefinition<C, X, P, M> & Workers<C> & ThisType<ServiceWith<X> & P & M>,
): DefinedService {
  const { mixins = [], setup, actions, ...schema } = definition;
  checkHandlers(contract, "actions", actions);
  checkHandlers(contract, "workers", schema.workers ?? {});
  checkHandlers(contract, "taps", schema.taps ?? {});
  for (const requirement of requirementsOf(contract))
    if (!mixins.some((it) => it.covers?.includes(requirement)))
      throw new Error(`${contract.service} declares ${requirement}, but none of its mixins covers that`);
  return {
    ...schema,
    name: contract.service,
    // Moleculer applies the last one first.
    mixins: [base, ...mixins].toReversed(),
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([name, { idempotent, status }]) => [
        name,
        {
          // Moleculer clones and broadcasts schemas, which zod schemas do not survive. So the validator looks up this
          // name.
          params: { $contract: `${contract.service}.${name}` },
          ...(idempotent && { idempotent, status }),
          handler: actions[name as keyof ActionHandlers<C>],
        },
      ]),
    ),
    ...(setup && { created: createdBy(setup) }),
  } as DefinedService;
}

/** What each service has. `call` is typed. */
const base = defineMixin<{ config: Config; clock: Clock }>({
  methods: {
    call(this: Service, name: string, params: object, options?: CallingOptions) {
      return this.broker.call(name, params, options);
    },
  },
  created() {
    const { config, clock } = this.broker.souk;
    this.config = config;
    this.clock = clock;
  },
});

function createdBy<T extends Service>(setup: (service: T) => object) {
  return function created(this: T): void {
    for (const [name, part] of Object.entries(setup(this))) {
      if (name in this) throw new Error(`${this.name}: setup would replace this.${name}`);
      Object.assign(this, { [name]: part });
    }
  };
}

function checkHandlers(
  contract: ServiceContract,
  kind: "actions" | "taps" | "workers",
  handlers: object,
): void {
  for (const name of Object.keys(contract[kind] ?? {}))
    if (!(name in handlers))
      throw new Error(`${contract.service}.${name} of ${kind} is declared but has no handler`);
}

function requirementsOf({ actions, actors, workers, taps = {} }: ServiceContract): Requirement[] {
  return [
    ...(Object.values(actions).some((it) => it.idempotent) ? (["idempotency"] as const) : []),
    ...Object.keys(actors).map((it) => `actor ${it}` as const),
    ...(Object.keys(taps).length > 0 ? (["taps"] as const) : []),
    ...(Object.keys(workers).length > 0 ? (["workers"] as const) : []),
  ];
}
