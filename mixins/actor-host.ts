/** Hosts the actors of a service. They accept messages after the service has started, and until it stops. */
import type { Service } from "moleculer";
import type { ActorDefinition } from "../broker/actor/define-actor.ts";
import { createActorHost } from "../broker/actor/runtime/actor-host.ts";
import type { ActorDocument, ActorHost } from "../broker/actor/runtime/document/actor-host.types.ts";
import type { MessageType } from "../broker/contract/contract.ts";
import type { Config } from "../broker/moleculer/config.ts";
import { defineMixin, type Mixin, takesWorkIn } from "../broker/moleculer/mixin.ts";
import type { ModelDefinition } from "../broker/mongo/model.ts";

/** An actor of the service, and the model that its documents are kept in. */
export interface HostedActor<S extends object, T extends MessageType> {
  /** A function where the actor's decisions depend on the configuration. */
  definition: ActorDefinition<S, T> | ((config: Config) => ActorDefinition<S, T>);
  model: ModelDefinition<ActorDocument<S>>;
}

export interface ActorHostParts<H> {
  /** The actor hosts, by the names given to the mixin. */
  actors: { readonly [K in keyof H]: H[K] extends HostedActor<infer S, infer T> ? ActorHost<S, T> : never };
}

type AnyHost = ActorHost<object, MessageType>;
type AnyActor = HostedActor<object, MessageType>;

/** Puts `actors` on `this`. @param actors by type */
export function actorHost<H extends Record<string, unknown>>(actors: H): Mixin<ActorHostParts<H>> {
  const hosts = new WeakMap<Service, AnyHost[]>();
  return defineMixin<ActorHostParts<H>>({
    covers: Object.keys(actors).map((type) => `actor ${type}` as const),
    created() {
      const made = Object.entries(actors as Record<string, AnyActor>).map(
        ([type, it]) => [type, hostOf(this, it)] as const,
      );
      hosts.set(
        this,
        made.map(([, host]) => host),
      );
      this.actors = { ...this.actors, ...Object.fromEntries(made) };
    },
    merged: takesWorkIn("actors", {
      async started() {
        for (const host of hosts.get(this) ?? []) await host.start();
      },
      async stopped() {
        await Promise.all((hosts.get(this) ?? []).map((it) => it.stop()));
      },
    }),
  });
}

function hostOf({ name, broker }: Service, { definition: given, model }: AnyActor): AnyHost {
  const runtime = broker.souk;
  const definition = typeof given === "function" ? given(runtime.config) : given;
  return createActorHost({
    definition,
    model: model.bind(runtime.database(name)),
    runtime,
    broker,
    ...(runtime.trial && {
      tuning: runtime.trial.tuning,
      faults: runtime.trial.faults(definition.type),
    }),
  });
}
