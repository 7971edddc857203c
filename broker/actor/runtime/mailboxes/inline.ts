/** Messages that an action applies itself: at the owner's node, here where that fails; through the same queues either way. */
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
  /** How long an answer of the owner's node, and of the database, may take. Milliseconds. */
  remoteMs: number;
  inlineMs: number;
  partitionOf(actor: string): number;
  /** Told when a message is applied here though another node should have done it. */
  onDetour(error: unknown, fields: Record<string, unknown>): void;
}

export class Inline<S extends object> {
  readonly #options: InlineOptions<S>;
  #closed = false;

  constructor(options: InlineOptions<S>) {
    this.#options = options;
  }

  /** @throws SoukError UNAVAILABLE when the database is away; whatever `receive` throws */
  async apply(message: Envelope): Promise<Applied<S>> {
    const { broker, owners, type, state, remoteMs, partitionOf, onDetour } = this.#options;
    const { subject: actor } = message;
    const node = owners.preferred(partitionOf(actor));
    if (node !== broker.nodeID) {
      try {
        return await applyAt({ broker, type, state }, node, message, remoteMs);
      } catch (error) {
        // It may have been applied there all the same; its id (or key) keeps it from being applied twice.
        onDetour(error, { node, actor });
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

  /** Nothing is applied any more. */
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

/** A database that is away becomes the client's 503; anything else stays what it is. */
export function unavailable(error: unknown): unknown {
  return isTransient(error) && !(error instanceof SoukError) ? new SoukError("UNAVAILABLE") : error;
}
