/**
 * Finds messages that a crash has left in outboxes, and publishes them. Several nodes may find the same ones, and a
 * slow node may still publish them itself. Receivers drop repeated messages.
 */
import type { Clock } from "../../../resilience/clock.ts";
import { Loop } from "../../../resilience/loop.ts";
import type { ActorCollection } from "../document/actor-model.ts";
import type { Relay } from "./relay.ts";

export interface SweeperOptions {
  collection: ActorCollection;
  relay: Relay;
  clock: Clock;
  everyMs: number;
  /** Age from which an entry is swept, in milliseconds. */
  afterMs: number;
  /** A sweep is useless while the bus is away. */
  isBusUp(): boolean;
  onTrouble(error: Error): void;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #loop: Loop;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#loop = new Loop(options.everyMs, () => this.sweep(), options.onTrouble);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** One pass over all outboxes with old entries. */
  async sweep(): Promise<void> {
    const { collection, relay, clock, afterMs, isBusUp } = this.#options;
    if (!isBusUp()) return;
    const old = { "outbox.at": { $lte: clock.now() - afterMs } };
    const cursor = collection.find(old, { projection: { outbox: 1 }, batchSize: 100 });
    for await (const { _id: actor, outbox } of cursor) {
      if (!relay.hasRoom) break;
      if (!relay.knows(actor, outbox)) relay.offer(actor, outbox, true);
    }
  }
}
