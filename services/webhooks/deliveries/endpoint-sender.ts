/**
 * Sends the deliveries of one endpoint. Of each subject (a lane) the oldest that waits goes first, alone; several
 * lanes are sent at once. One node does this for an endpoint, see senders.ts. Where two do, a receiver gets a
 * delivery twice, under one id.
 */
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import type { Resolve } from "../../../broker/http/outbound/checked-lookup.ts";
import { type Answer, createPoster, type Poster } from "../../../broker/http/outbound/post.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { within } from "../../../broker/resilience/deadline.ts";
import { toError } from "../../../broker/resilience/retry.ts";
import type { ListeningEndpoint } from "../endpoints/listeners.ts";
import { headersOf, signatures } from "../outbound/sign.ts";
import { type Attempt, afterAttempt, type DeliveryDocument, type DeliveryStore } from "./delivery-store.ts";
import { nextAttempt } from "./retries.ts";

export type Outcome = "working" | "failing" | "gone";

export interface SenderTools {
  readonly store: DeliveryStore;
  readonly clock: Clock;
  readonly settings: {
    readonly allowPrivate: boolean;
    readonly concurrency: number;
    readonly timeoutMs: number;
    readonly firstMs: number;
  };
  /** Only for tests. */
  readonly resolve?: Resolve;
  keysOf(endpointId: string): Promise<Buffer[]>;
  /** How the endpoint answers. */
  report(endpoint: ListeningEndpoint, outcome: Outcome): Promise<void>;
  onTrouble(error: Error, endpointId: string): void;
  /** A place where tests stop the process: before and after what was sent is noted. */
  point(name: "before-commit" | "after-commit", endpointId: string): Promise<void> | void;
}

const STOP_MS = 5_000;
const SOON_MS = 1_000;
/** With more of one lane among those that are due, the lane is parked. */
const MANY = 4;
const PARKED_MS = 30_000;
const GONE = 410;

export class EndpointSender {
  readonly #tools: SenderTools;
  readonly #poster: Poster;
  /** Lanes with a request under way. */
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #parked = new Set<string>();
  #endpoint: ListeningEndpoint;
  #looking: Promise<void> | undefined;
  #again = false;
  #begun = false;
  #stopped = false;

  constructor(endpoint: ListeningEndpoint, tools: SenderTools) {
    this.#endpoint = endpoint;
    this.#tools = tools;
    this.#poster = createPoster({ ...tools.settings, ...(tools.resolve && { resolve: tools.resolve }) });
  }

  /** There may be something to send. @param endpoint as it is now */
  wake(endpoint = this.#endpoint): void {
    this.#endpoint = endpoint;
    if (this.#stopped) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = this.#look()
      .catch((error: unknown) => this.#tools.onTrouble(toError(error), this.#endpoint.id))
      .finally(() => {
        this.#looking = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.wake();
      });
  }

  /** Waits for requests under way, for a short time. Those that take longer are sent again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await within(STOP_MS, Promise.all([this.#looking, ...this.#lanes.values()]));
    this.#poster.close();
  }

  async #look(): Promise<void> {
    if (!this.#begun) await this.#begin();
    for (;;) {
      const free = this.#tools.settings.concurrency - this.#lanes.size;
      if (free <= 0 || this.#stopped) return;
      const { heads, more } = await this.#heads(free);
      for (const head of heads) this.#start(head);
      if (!more) return;
    }
  }

  /** What a sender before this one has put off is looked at again. */
  async #begin(): Promise<void> {
    const now = new Date(this.#tools.clock.now());
    await this.#tools.store.collection.updateMany(
      { endpointId: this.#endpoint.id, dueAt: { $gt: now }, attempts: 0 },
      { $set: { dueAt: now } },
    );
    this.#begun = true;
  }

  /** The first deliveries of lanes that are due, and whether there may be more. */
  async #heads(free: number): Promise<{ heads: DeliveryDocument[]; more: boolean }> {
    const { store, clock } = this.#tools;
    const { id: endpointId } = this.#endpoint;
    const now = new Date(clock.now());
    const limit = free * 4;
    const due = await store.collection
      .find({ endpointId, dueAt: { $lte: now }, lane: { $nin: [...this.#lanes.keys()] } })
      .project<{ lane: string }>({ lane: 1 })
      .sort({ dueAt: 1 })
      .limit(limit)
      .toArray();
    const lanes = [...new Set(due.map((it) => it.lane))].slice(0, free);
    const firsts = await Promise.all(lanes.map((lane) => this.#firstOf(endpointId, lane)));
    const heads: DeliveryDocument[] = [];
    for (const first of firsts) {
      if (!first?.dueAt) continue;
      if (first.dueAt > now) await this.#putOff(first, first.dueAt);
      else {
        heads.push(first);
        if (due.filter((it) => it.lane === first.lane).length > MANY) await this.#park(first, now);
      }
    }
    return { heads, more: due.length === limit };
  }

  /**
   * Deliveries behind one that is sent would be found, and passed over, at each look. So they are put off, and made due
   * again one by one.
   */
  async #park({ endpointId, lane, position }: DeliveryDocument, now: Date): Promise<void> {
    this.#parked.add(lane);
    await this.#tools.store.collection.updateMany(
      { endpointId, lane, status: "waiting", position: { $gt: position }, dueAt: { $lte: now } },
      { $set: { dueAt: new Date(now.getTime() + PARKED_MS) } },
    );
  }

  #firstOf(endpointId: string, lane: string): Promise<DeliveryDocument | null> {
    return this.#tools.store.collection.findOne(
      { endpointId, lane, status: "waiting" },
      { sort: { position: 1 } },
    );
  }

  /** Those behind it wait as long as it does. */
  async #putOff({ endpointId, lane }: DeliveryDocument, dueAt: Date): Promise<void> {
    await this.#tools.store.collection.updateMany(
      { endpointId, lane, status: "waiting", dueAt: { $lt: dueAt } },
      { $set: { dueAt } },
    );
  }

  #start(delivery: DeliveryDocument): void {
    const { lane } = delivery;
    const sent = this.#send(delivery)
      .catch((error: unknown) => this.#tools.onTrouble(toError(error), this.#endpoint.id))
      .finally(() => {
        this.#lanes.delete(lane);
        this.wake();
      });
    this.#lanes.set(lane, sent);
  }

  async #send(delivery: DeliveryDocument): Promise<void> {
    const { point, report } = this.#tools;
    const endpoint = this.#endpoint;
    const { attempt, retryAfter } = await this.#try(endpoint, delivery);
    await point("before-commit", endpoint.id);
    const isDelivered = attempt.status !== null && attempt.status >= 200 && attempt.status < 300;
    await this.#record(delivery, attempt, isDelivered, retryAfter);
    await point("after-commit", endpoint.id);
    if (isDelivered && endpoint.failing) await report(endpoint, "working");
    else if (!isDelivered) await report(endpoint, attempt.status === GONE ? "gone" : "failing");
  }

  /** Later ones are found by the next look of senders.ts. */
  #wakeSoon(ms: number): void {
    if (ms < SOON_MS) setTimeout(() => this.wake(), Math.max(0, ms)).unref();
  }

  async #try(
    { url, id }: ListeningEndpoint,
    delivery: DeliveryDocument,
  ): Promise<{ attempt: Attempt; retryAfter?: string | undefined }> {
    const { clock, keysOf } = this.#tools;
    const keys = await keysOf(id);
    const at = clock.now();
    const begun = performance.now();
    const signed = { id: delivery._id, timestamp: Math.floor(at / 1_000), body: delivery.body };
    const headers = { ...headersOf(signed), "webhook-signature": signatures(keys, signed) };
    const made = (answer: Partial<Answer>, error: string | null): Attempt => ({
      at: new Date(at),
      durationMs: Math.round(performance.now() - begun),
      status: answer.status ?? null,
      error,
      answer: answer.text ?? "",
    });
    try {
      const answer = await this.#poster.post(new URL(url), headers, delivery.body);
      const isRedirect = answer.status >= 300 && answer.status < 400;
      return {
        attempt: made(answer, isRedirect ? "redirects are not followed" : null),
        retryAfter: answer.retryAfter,
      };
    } catch (error) {
      return { attempt: made({}, redactedReason(toError(error)).slice(0, 300)) };
    }
  }

  async #record(
    delivery: DeliveryDocument,
    attempt: Attempt,
    isDelivered: boolean,
    retryAfter: string | undefined,
  ): Promise<void> {
    const { store, clock, settings } = this.#tools;
    const mine = { _id: delivery._id, status: "waiting" };
    const due =
      isDelivered || attempt.status === GONE
        ? undefined
        : nextAttempt({
            attempts: delivery.attempts + 1,
            now: clock.now(),
            giveUpAt: delivery.giveUpAt.getTime(),
            firstMs: settings.firstMs,
            retryAfter,
            random: Math.random(),
          });
    if (due !== undefined) {
      await store.writes.update(mine, afterAttempt(attempt, "waiting", new Date(due)));
      this.#wakeSoon(due - clock.now());
      return;
    }
    await store.writes.update(mine, afterAttempt(attempt, isDelivered ? "delivered" : "failed"));
    await this.#release(delivery);
  }

  /** The next of its lane may be sent. */
  async #release({ endpointId, lane, attempts }: DeliveryDocument): Promise<void> {
    const { store, clock } = this.#tools;
    const behind = { endpointId, lane, status: "waiting" as const };
    const due = { $set: { dueAt: new Date(clock.now()) } };
    // Those behind it were put off with it.
    if (attempts > 0) await store.collection.updateMany(behind, due);
    else if (this.#parked.has(lane)) {
      const next = await store.collection.findOneAndUpdate(behind, due, { sort: { position: 1 } });
      if (!next) this.#parked.delete(lane);
    }
  }
}
