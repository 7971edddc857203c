/**
 * Typed Moleculer mixins. A mixin declares what it puts on `this`. A service has the sum of its mixins. Moleculer
 * applies the last mixin of a service first. `created` and `started` of mixins run before the service's own. All
 * `stopped` run in reverse order.
 */
import type { ActionHooks, EventSchema, Service, ServiceSchema } from "moleculer";

declare const adds: unique symbol;

/** What a contract declares and a mixin must implement. `actor <type>` is an actor that needs a host. */
export type Requirement = "idempotency" | "taps" | "workers" | `actor ${string}`;

/** A Moleculer mixin that puts `A` on a service's `this`. */
export interface Mixin<A extends object = object> extends Partial<Omit<ServiceSchema, "mixins">> {
  /** Never present. It carries the type. */
  readonly [adds]?: A;
  /** The parts of a contract that it implements. */
  readonly covers?: readonly Requirement[];
}

/** What a list of mixins puts on `this`. */
export type Added<X extends readonly unknown[]> = X extends readonly [Mixin<infer A>, ...infer R]
  ? Readonly<A> & Added<R>
  : unknown;

/** Parts of Moleculer's schema, with `this` of the surrounding schema. */
export interface OpenSchema {
  methods?: ServiceMethods;
  /** Moleculer's events. They may be lost. Durable messages go to actors and workers. */
  events?: Record<string, EventSchema | NonNullable<EventSchema["handler"]>>;
  /** Hooks before, after and on errors of the service's actions. */
  hooks?: { readonly [K in keyof ActionHooks]: Record<string, NonNullable<ActionHooks[K]>> };
  started?(): Promise<void> | void;
  stopped?(): Promise<void> | void;
}

export type ServiceMethods = Record<string, (...args: never[]) => unknown>;

export interface MixinSchema
  extends Omit<ServiceSchema, "name" | "mixins" | "created" | keyof OpenSchema>,
    OpenSchema {
  /** Runs with the schema of the whole service, before it is created. */
  merged?(schema: Partial<ServiceSchema>): void;
  created?(): void;
  covers?: readonly Requirement[];
}

/** Declares a mixin. @typeParam A what it puts on `this` */
export function defineMixin<A extends object>(schema: MixinSchema & ThisType<Service & A>): Mixin<A> {
  return schema as Mixin<A>;
}

/** Mixins that receive messages, in the order in which they start. */
const START_ORDER = ["taps", "actors", "workers"] as const;
type Stage = (typeof START_ORDER)[number];

type Hook = (this: Service) => Promise<void> | void;
const positions = new WeakMap<Hook, number>();

/**
 * The `merged` hook of a mixin that receives messages. It starts after the service's own `started` and stops before
 * its own `stopped`. Actors start before workers, in any order of the service's mixins.
 */
export function consumesMessages(
  stage: Stage,
  hooks: { started: Hook; stopped: Hook },
): MixinSchema["merged"] {
  return (schema) => {
    schema.started = inOrder(schema.started, hooks.started, START_ORDER.indexOf(stage));
    // Moleculer runs this list from its end.
    schema.stopped = inOrder(schema.stopped, hooks.stopped, START_ORDER.indexOf(stage));
  };
}

function inOrder(hooks: Hook | Hook[] | undefined, hook: Hook, position: number): Hook[] {
  positions.set(hook, position);
  const all = [hooks ?? []].flat();
  const next = all.findIndex((it) => (positions.get(it) ?? -1) > position);
  return all.toSpliced(next < 0 ? all.length : next, 0, hook);
}
