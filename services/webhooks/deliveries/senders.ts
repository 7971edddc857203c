/**
 * Which node sends to which endpoint: one holds an endpoint's lease and renews it. A slow endpoint has connections and
 * lanes of its own, so it holds up no other one.
 */
import type { Connection } from "mongoose";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { Loop } from "../../../broker/resilience/loop.ts";
import type { Listeners, ListeningEndpoint } from "../endpoints/listeners.ts";
import { EndpointSender, type SenderTools } from "./endpoint-sender.ts";

export const LEASES = "sender_leases";
const LEASE_MS = 10_000;
const RENEW_MS = 3_000;

interface LeaseDocument {
  _id: string;
  holder: string;
  until: Date;
}

export interface SendersOptions {
  readonly database: Connection;
  readonly clock: Clock;
  readonly listeners: Listeners;
  readonly tools: SenderTools;
  readonly holder: string;
  /** No other node sends, so that there are no leases. */
  readonly isSoleWriter: boolean;
  /** How often it looks for what is due. */
  readonly everyMs: number;
  /** Runs at each look, where there are endpoints: a step of what runs in the background. */
  alsoDo(endpoints: readonly ListeningEndpoint[]): Promise<void>;
  onTrouble(error: Error): void;
}

export class Senders {
  readonly #options: SendersOptions;
  readonly #loop: Loop;
  readonly #senders = new Map<string, EndpointSender>();
  readonly #heldUntil = new Map<string, number>();

  constructor(options: SendersOptions) {
    this.#options = options;
    this.#loop = new Loop(options.everyMs, () => this.#look(), options.onTrouble);
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all([...this.#senders.values()].map((it) => it.stop()));
    this.#senders.clear();
    const { database, holder, isSoleWriter } = this.#options;
    if (!isSoleWriter && this.#heldUntil.size > 0)
      await database.collection<LeaseDocument>(LEASES).deleteMany({ holder });
  }

  /** There is something new for these endpoints. Those of other nodes are left to them. */
  wake(endpointIds: readonly string[]): void {
    for (const id of endpointIds) this.#senders.get(id)?.wake();
  }

  async #look(): Promise<void> {
    const { endpoints } = await this.#options.listeners.get();
    for (const [id, sender] of this.#senders)
      if (!endpoints.some((it) => it.id === id)) this.#drop(id, sender);
    if (endpoints.length === 0) return;
    const held = await this.#held(endpoints);
    for (const endpoint of held) {
      let sender = this.#senders.get(endpoint.id);
      if (!sender) {
        sender = new EndpointSender(endpoint, this.#options.tools);
        this.#senders.set(endpoint.id, sender);
      }
      sender.wake(endpoint);
    }
    await this.#options.alsoDo(held);
  }

  #drop(id: string, sender: EndpointSender): void {
    this.#senders.delete(id);
    this.#heldUntil.delete(id);
    void sender.stop();
  }

  /** The endpoints that this node sends to. */
  async #held(endpoints: readonly ListeningEndpoint[]): Promise<ListeningEndpoint[]> {
    const { database, clock, holder, isSoleWriter } = this.#options;
    if (isSoleWriter) return [...endpoints];
    const leases = database.collection<LeaseDocument>(LEASES);
    const known = new Map((await leases.find().toArray()).map((it) => [it._id, it]));
    const held: ListeningEndpoint[] = [];
    for (const endpoint of endpoints) {
      const { id } = endpoint;
      const now = clock.now();
      const lease = known.get(id);
      const isFree = !lease || lease.until.getTime() < now;
      const isMine = lease?.holder === holder;
      const isFresh = isMine && lease.until.getTime() > now + LEASE_MS - RENEW_MS;
      if (isFresh || ((isFree || isMine) && (await this.#take(id, now)))) held.push(endpoint);
      else {
        const lost = this.#senders.get(id);
        if (lost) this.#drop(id, lost);
      }
    }
    return held;
  }

  async #take(id: string, now: number): Promise<boolean> {
    const { database, holder } = this.#options;
    const until = new Date(now + LEASE_MS);
    try {
      await database
        .collection<LeaseDocument>(LEASES)
        .updateOne(
          { _id: id, $or: [{ holder }, { until: { $lt: new Date(now) } }] },
          { $set: { holder, until } },
          { upsert: true },
        );
      this.#heldUntil.set(id, until.getTime());
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}
