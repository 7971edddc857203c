/** Mongoose models of a service, bound to its own database. */
import type { Connection, Model } from "mongoose";
import { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";
import type { ModelDefinition } from "../broker/mongo/model.ts";

export interface MongoParts<D> {
  /** The models, by the names given to the mixin. */
  models: { readonly [K in keyof D]: Model<D[K]> };
  /** The service's own database, for collections without a model. */
  database: Connection;
  /** Whether nobody but this node changes the service's documents. See `NodeRuntime`. */
  isSoleWriter: boolean;
}

/**
 * Puts `models` and `database` on `this`.
 * @param definitions models by name; none where only the database is used
 */
export function mongo<D extends object = Record<never, never>>(
  definitions = {} as { readonly [K in keyof D]: ModelDefinition<D[K]> },
): Mixin<MongoParts<D>> {
  return defineMixin<MongoParts<D>>({
    created() {
      this.database = this.broker.souk.database(this.name);
      this.isSoleWriter = this.broker.souk.isSoleWriter(this.name);
      const bound = Object.entries<Bindable>(definitions).map(([name, it]) => [name, it.bind(this.database)]);
      this.models = { ...this.models, ...Object.fromEntries(bound) };
    },
  });
}

interface Bindable {
  bind(connection: Connection): unknown;
}
