/** Sends the messages of a service's documents that are not actors; see `broker/mongo/document-outbox.ts`. */
import type { Service } from "moleculer";
import { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";
import {
  createOutbox,
  type Outbox,
  type OutboxDocument,
  type RunningOutbox,
} from "../broker/mongo/document-outbox.ts";
import type { ModelDefinition } from "../broker/mongo/model.ts";

export interface OutboxParts {
  /** Makes entries, which the caller writes together with its change. Publishes them after that write. */
  outbox: Outbox;
}

/**
 * Puts `outbox` on `this`.
 * @param model of the documents with an `outbox`; its collection needs a sparse index on `outbox.at`
 */
export function outbox({ collection }: Pick<ModelDefinition<unknown>, "collection">): Mixin<OutboxParts> {
  const outboxes = new WeakMap<Service, RunningOutbox>();
  return defineMixin<OutboxParts>({
    created() {
      const { bus, clock, database } = this.broker.souk;
      const made = createOutbox({
        collection: database(this.name).collection<OutboxDocument>(collection),
        source: `/${this.name}`,
        bus,
        clock,
        log: this.logger,
      });
      outboxes.set(this, made);
      this.outbox = made;
    },
    started() {
      outboxes.get(this)?.start();
    },
    async stopped() {
      await outboxes.get(this)?.stop();
    },
  });
}
