/** Hosts the actors of a service. They accept messages after the service has started, and until it stops. */
import type { Service } from "moleculer";
import type { ActorDefinition } from "../broker/actor/define-actor.ts";
import { createActorHost } from "../broker/actor/runtime/actor-host.ts";
import type { ActorHost } from "../broker/actor/runtime/document/actor-host.types.ts";
import { actorModel } from "../broker/actor/runtime/document/actor-model.ts";
import type { MessageType } from "../broker/contract/contract.ts";
import type { Config } from "../broker/moleculer/config.ts";
import { consumesMessages, defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";

/** An actor of the service. A function where the actor's decisions depend on the configuration. */
export type Hosted<D> = D | ((config: Config) => D);

type Definition = Pick<ActorDefinition, "type" | "collection">;

type HostOf<D> =
  D extends Hosted<infer A> ? (A extends ActorDefinition<infer S, infer T> ? ActorHost<S, T> : never) : never;

export interface ActorHostParts<H> {
  /** The actor hosts, by the actors' types. */
  actors: { readonly [K in keyof H]: HostOf<H[K]> };
}

type AnyHost = ActorHost<object, MessageType>;

/** Puts `actors` on `this`. @param actors by type */
export function actorHost<H extends Record<string, Hosted<Definition>>>(actors: H): Mixin<ActorHostParts<H>> {
  const hosts = new WeakMap<Service, AnyHost[]>();
  return defineMixin<ActorHostParts<H>>({
    covers: Object.keys(actors).map((type) => `actor ${type}` as const),
    created() {
      const made = Object.entries(actors).map(([type, it]) => [type, hostOf(this, type, it)] as const);
      hosts.set(
        this,
        made.map(([, host]) => host),
      );
      this.actors = { ...this.actors, ...Object.fromEntries(made) };
    },
    merged: consumesMessages("actors", {
      async started() {
        for (const host of hosts.get(this) ?? []) await host.start();
      },
      async stopped() {
        await Promise.all((hosts.get(this) ?? []).map((it) => it.stop()));
      },
    }),
  });
}

function hostOf({ name, broker }: Service, type: string, hosted: Hosted<Definition>): AnyHost {
  const runtime = broker.souk;
  const definition = (typeof hosted === "function" ? hosted(runtime.config) : hosted) as ActorDefinition;
  if (definition.type !== type) throw new Error(`${name}: the actor ${definition.type} is hosted as ${type}`);
  return createActorHost({
    definition,
    model: actorModel(definition).bind(runtime.database(name)),
    runtime,
    broker,
    isSoleWriter: runtime.isSoleWriter(name),
    ...(runtime.testing && {
      tuning: runtime.testing.tuning,
      crashPoints: runtime.testing.crashPoints(type),
    }),
  });
}
