/**
 * Typed Moleculer mixins. A mixin says what it puts on `this`; a service has the sum of what its mixins add.
 *
 * Moleculer applies the last mixin of a service first. Their `created` and `started` run before the service's own, and
 * all `stopped` run in the reverse order.
 */
import type { ActionHooks, EventSchema, Service, ServiceSchema } from "moleculer";

declare const adds: unique symbol;

/** What a contract promises that a mixin must keep; `actor <type>` is an actor that needs a host. */
export type Duty = "idempotency" | "workers" | `actor ${string}`;

/** A Moleculer mixin that puts `A` on a service's `this`. */
export interface Mixin<A extends object = object> extends Partial<Omit<ServiceSchema, "mixins">> {
  /** Never there: carries the type. */
  readonly [adds]?: A;
  /** What of a contract it takes care of. */
  readonly covers?: readonly Duty[];
}

/** What a list of mixins puts on `this`. */
export type Added<X extends readonly unknown[]> = X extends readonly [Mixin<infer A>, ...infer R]
  ? Readonly<A> & Added<R>
  : unknown;

/** Parts of Moleculer's schema, with `this` left to the schema around them. */
export interface OpenSchema {
  methods?: ServiceMethods;
  /** Moleculer's events: volatile ones. Durable messages come to actors and workers. */
  events?: Record<string, EventSchema | NonNullable<EventSchema["handler"]>>;
  /** Before, after and instead of a failure of the service's actions. */
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
  covers?: readonly Duty[];
}

/** Declares a mixin. @typeParam A what it puts on `this` */
export function defineMixin<A extends object>(schema: MixinSchema & ThisType<Service & A>): Mixin<A> {
  return schema as Mixin<A>;
}

/** Mixins that take work in, in the order in which they start. */
const TURNS = ["actors", "workers"] as const;
type Turn = (typeof TURNS)[number];

type Hook = (this: Service) => Promise<void> | void;
const turns = new WeakMap<Hook, number>();

/**
 * The `merged` hook of a mixin that takes work in: it starts after the service's own `started` and stops before its
 * own `stopped`. Actors start before workers, in whatever order a service lists its mixins.
 */
export function takesWorkIn(turn: Turn, hooks: { started: Hook; stopped: Hook }): MixinSchema["merged"] {
  return (schema) => {
    schema.started = inTurn(schema.started, hooks.started, TURNS.indexOf(turn));
    // Moleculer runs this list from its end.
    schema.stopped = inTurn(schema.stopped, hooks.stopped, TURNS.indexOf(turn));
  };
}

function inTurn(hooks: Hook | Hook[] | undefined, hook: Hook, turn: number): Hook[] {
  turns.set(hook, turn);
  const all = [hooks ?? []].flat();
  const next = all.findIndex((it) => (turns.get(it) ?? -1) > turn);
  return all.toSpliced(next < 0 ? all.length : next, 0, hook);
}
