/**
 * Messages that an action applies itself: on the owner's node, or here where that fails. Both ways use the same
 * queues.
 */
import type { ServiceBroker } from "moleculer";
import type { z } from "zod";
import type { Bus } from "../../../bus/bus.ts";
import type { Envelope } from "../../../contract/envelope.ts";
import { SoukError } from "../../../contract/errors.ts";
import { isTransient } from "../../../resilience/retry.ts";
import type { LoadedActor } from "../document/actor-host.types.ts";
import type { Outcome } from "../document/fold.ts";
import type { PartitionOwners } from "./partition-owner.ts";
import type { ActorQueues } from "./queues.ts";
import { type Applied, applyAt } from "./remote.ts";

export interface InlineOptions<S extends object> {
  type: string;
  state: z.ZodType<S>;
  broker: ServiceBroker;
  bus: Pick<Bus, "publish">;
  queues: ActorQueues;
  owners: PartitionOwners;
  /** How long the owner's node, and the database, may take to answer. Milliseconds. */
  remoteMs: number;
  inlineMs: number;
  partitionOf(actor: string): number;
  /** Called when a message is applied here instead of on its owner's node. */
  onFallback(error: unknown, fields: Record<string, unknown>): void;
}

export class Inline<S extends object> {
  readonly #options: InlineOptions<S>;
  #closed = false;

  constructor(options: InlineOptions<S>) {
    this.#options = options;
  }

  /** @throws SoukError UNAVAILABLE when the database is away; any error of `receive` */
  async apply(message: Envelope): Promise<Applied<S>> {
    const { broker, owners, type, state, remoteMs, partitionOf, onFallback } = this.#options;
    const { subject: actor } = message;
    const node = owners.preferred(partitionOf(actor));
    if (node !== broker.nodeID) {
      try {
        return await applyAt({ broker, type, state }, node, message, remoteMs);
      } catch (error) {
        // It may have been applied there anyway. Its id (or key) prevents a second application.
        onFallback(error, { node, actor });
      }
    }
    return this.applyHere(message);
  }

  applyHere(message: Envelope): Promise<Applied<S>> {
    const { queues, partitionOf, inlineMs } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new SoukError("UNAVAILABLE");
      let wanted = true;
      const giveUp = setTimeout(() => {
        wanted = false;
        reject(new SoukError("UNAVAILABLE"));
      }, inlineMs);
      queues.add({
        message,
        partition: partitionOf(message.subject),
        mailed: false,
        isWanted: () => wanted,
        settle: (outcome, document) => {
          clearTimeout(giveUp);
          if (outcome.kind === "failed") reject(unavailable(outcome.error));
          else this.#result(outcome, document).then(resolve, (error) => reject(unavailable(error)));
        },
      });
    });
  }

  /** After this, nothing is applied. */
  close(): void {
    this.#closed = true;
  }

  async #result(
    outcome: Exclude<Outcome, { kind: "failed" }>,
    document: LoadedActor<object> | null,
  ): Promise<Applied<S>> {
    if (outcome.kind === "refused") return { kind: "refused", refusal: outcome.refusal };
    if (outcome.kind === "absent")
      await Promise.all(outcome.answers.map((it) => this.#options.bus.publish(it)));
    if (outcome.kind === "absent" || !document) return { kind: "absent" };
    const { _id: id, version, state } = document;
    return { kind: "applied", snapshot: { id, version, state: state as S } };
  }
}

/** Turns "the database is away" into the client's 503. Other errors stay unchanged. */
export function unavailable(error: unknown): unknown {
  return isTransient(error) && !(error instanceof SoukError) ? new SoukError("UNAVAILABLE") : error;
}
