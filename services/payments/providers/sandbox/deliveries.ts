/**
 * The sandbox's webhooks to the shop: durable, at least once. A delivery is part of its payment's document. A node
 * claims it by moving `deliverAt` ahead, so that no two nodes send it at once. After a crash the claim expires.
 * Usually the deciding node sends at once, and one update cleans up many finished deliveries.
 */

import type { Collection } from "mongodb";
import { redactedReason } from "../../../../broker/contract/secrets/redact.ts";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { inTime, within } from "../../../../broker/resilience/deadline.ts";
import type { Log } from "../../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../../broker/resilience/rate-limited-log.ts";
import { createPoster } from "./http-post.ts";
import type { SandboxPayment } from "./sandbox.model.ts";
import { SIGNATURE_HEADER, sign } from "./signature.ts";
import { webhookBody } from "./webhook-body.ts";

export interface DeliveryOptions {
  payments: Collection<SandboxPayment>;
  clock: Clock;
  log: Log;
  secret(): Promise<string>;
  /** Address of the shop's webhook. */
  url(): URL;
}

export interface Deliveries {
  /** Sends a document that was just written with a claim until {@link CLAIM_MS} from now. */
  sendNow(payment: SandboxPayment): void;
  /** Checks the document again at that time, in milliseconds since the epoch. Distant times are left to the sweep. */
  sendAt(ref: string, at: number): void;
  start(): void;
  /** Stops. Undelivered webhooks stay in the database. */
  stop(): Promise<void>;
}

const TIMEOUT_MS = 5_000;
/**
 * Longer than one copy may take. Renewed for each further one. After a crash, another node continues when it expires.
 */
export const CLAIM_MS = 2 * TIMEOUT_MS;
const SWEEP_EVERY_MS = 1_000;
/** A longer sweep is left alone, so that a hanging one does not stop them all. */
const SWEEP_MS = 60_000;
/** How long a stop waits for work in flight. */
const STOP_MS = 3_000;
/** Far less than a claim lasts. Until then, a crash makes the next node deliver it again. */
const TIDY_AFTER_MS = 250;
const PER_SWEEP = 64;
/** With the delays below, about a day. */
const MAX_FAILURES = 30;
const MAX_DELAY_MS = 3_600_000;

/** Time until the next try, by the number of failures: 0.5 s, doubling up to an hour. */
export const retryDelay = (failures: number): number =>
  Math.min(MAX_DELAY_MS, 500 * 2 ** Math.min(failures - 1, 20));

export function createDeliveries({ payments, clock, log, secret, url }: DeliveryOptions): Deliveries {
  const poster = createPoster(TIMEOUT_MS);
  const running = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  /** Ids of the events that were delivered. A payment may have got a further one meanwhile. */
  let finished: { ref: string; eventId: string }[] = [];
  let tidying: NodeJS.Timeout | undefined;
  let sweeping: NodeJS.Timeout | undefined;
  let stopped = false;

  function inBackground(what: string, work: Promise<void>): void {
    const settled: Promise<void> = work
      .catch((error: Error) =>
        rateLimitedLog(log).warn("sandbox", `sandbox: ${what}, will try again`, {
          reason: redactedReason(error),
        }),
      )
      .finally(() => running.delete(settled));
    running.add(settled);
  }

  /** Claims one due document. Null when there is none, or another node was faster. */
  const claim = (ref?: string): Promise<SandboxPayment | null> =>
    payments.findOneAndUpdate(
      { ...(ref ? { _id: ref } : {}), deliverAt: { $lte: new Date(clock.now()) } },
      { $set: { deliverAt: new Date(clock.now() + CLAIM_MS) } },
      { sort: { deliverAt: 1 }, returnDocument: "after" },
    );

  async function deliver(payment: SandboxPayment): Promise<void> {
    const { delivery, decision } = payment;
    if (!delivery || !decision) return;
    const body = webhookBody(payment);
    for (let left = delivery.left; left > 0; left--) {
      if (left < delivery.left) await renew(payment);
      const failure = await post(body);
      if (failure) return postpone(payment, left, failure);
    }
    finished.push({ ref: payment._id, eventId: decision.eventId });
    tidying ??= setTimeout(() => inBackground("finished deliveries were not noted", tidy()), TIDY_AFTER_MS);
  }

  /** The payment, while this event is its latest. */
  const latest = ({ _id, decision }: SandboxPayment) => ({
    _id,
    "decision.eventId": decision?.eventId ?? "",
  });

  const renew = (payment: SandboxPayment) =>
    payments.updateOne(latest(payment), { $set: { deliverAt: new Date(clock.now() + CLAIM_MS) } });

  /** @returns the reason of a failure */
  async function post(body: string): Promise<string | null> {
    try {
      const status = await poster.post(url(), body, {
        "content-type": "application/json",
        [SIGNATURE_HEADER]: sign(await secret(), body, clock.now()),
      });
      return status >= 200 && status < 300 ? null : `status ${status}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async function postpone(payment: SandboxPayment, left: number, reason: string): Promise<void> {
    if (stopped) return;
    const { _id, delivery } = payment;
    const failures = (delivery?.failures ?? 0) + 1;
    if (failures >= MAX_FAILURES) {
      log.error("sandbox: a webhook is given up", { ref: shortened(_id), reason });
      await payments.updateOne(latest(payment), {
        $set: { "delivery.failures": failures },
        $unset: { deliverAt: "" },
      });
      return;
    }
    const at = clock.now() + retryDelay(failures);
    rateLimitedLog(log).warn("not taken", "sandbox: a webhook was not taken", {
      ref: shortened(_id),
      reason,
      failures,
    });
    await payments.updateOne(latest(payment), {
      $set: { delivery: { left, failures }, deliverAt: new Date(at) },
    });
    sendAt(_id, at);
  }

  async function tidy(): Promise<void> {
    tidying = undefined;
    const done = finished;
    finished = [];
    if (done.length > 0)
      await payments.updateMany(
        { _id: { $in: done.map((it) => it.ref) }, "decision.eventId": { $in: done.map((it) => it.eventId) } },
        { $unset: { delivery: "", deliverAt: "" } },
      );
  }

  async function sweep(): Promise<void> {
    const rounds: Promise<void>[] = [];
    try {
      while (!stopped && rounds.length < PER_SWEEP) {
        const due = await claim();
        if (!due) break;
        const round = deliver(due);
        // It may fail while the next one is claimed, when nothing awaits it yet. That would end the process.
        round.catch(() => undefined);
        rounds.push(round);
      }
    } finally {
      await Promise.allSettled(rounds);
    }
    await Promise.all(rounds);
  }

  function sendAt(ref: string, at: number): void {
    // Node's timers may fire a millisecond early, when it would not be due yet.
    const delay = Math.max(0, at - clock.now()) + 2;
    if (stopped || delay > SWEEP_EVERY_MS * 10) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      inBackground(
        "a delivery failed",
        claim(ref).then((due) => (due ? deliver(due) : undefined)),
      );
    }, delay);
    timers.add(timer);
  }

  return {
    sendNow: (payment) => inBackground("a delivery failed", deliver(payment)),
    sendAt,
    start() {
      let busy = false;
      sweeping = setInterval(() => {
        if (busy) return;
        busy = true;
        inBackground(
          "looking for deliveries failed",
          inTime(SWEEP_MS, sweep()).finally(() => {
            busy = false;
          }),
        );
      }, SWEEP_EVERY_MS);
      sweeping.unref();
    },
    async stop() {
      stopped = true;
      clearInterval(sweeping);
      for (const timer of timers) clearTimeout(timer);
      poster.close();
      // A hanging delivery stays claimed in the database until another node takes over.
      await within(STOP_MS, Promise.all(running));
      clearTimeout(tidying);
      await within(STOP_MS, tidy());
    },
  };
}

/** References open the pay page, so logs contain only a part of them. */
const shortened = (ref: string): string => `${ref.slice(0, 8)}…`;
