/**
 * Sends an emulator's webhooks to the shop, repeated on the provider's own schedule. {@link WebhookFaults} makes them
 * late, doubled, reordered, changed or lost.
 */
import type { EmulatorOptions, Knobs } from "../../emulator.ts";
import type { Call } from "./http-app.ts";

export interface OutgoingWebhook {
  /** Null for the general webhook address. */
  readonly url: string | null;
  readonly body: string;
  /** Made again for each delivery, because signatures contain the time. `body` is the signed text. */
  headers(body: string): Readonly<Record<string, string>>;
}

export interface DeliveryResult {
  readonly status: number | "timeout" | "unreachable";
}

export interface WebhookSenderOptions {
  readonly knobs: Knobs;
  readonly options: EmulatorOptions;
  /**
   * The provider's wait before the next delivery, in its own milliseconds. Null when it gives up.
   * @param failures failed deliveries until now, at least 1
   */
  retry(failures: number, result: DeliveryResult): number | null;
  /** How long the provider waits for an answer, real milliseconds. */
  readonly timeoutMs: number;
}

export interface WebhookSender {
  /** With `cause`, after its answer, or before it with {@link WebhookFaults.race}. Without, at once. */
  send(webhook: OutgoingWebhook, cause?: Call): void;
  idle(): Promise<void>;
  close(): void;
}

/** Delay of a second copy. */
const DUPLICATE_AFTER_MS = 20;
/** A webhook that is held back for a later one is sent after this time when none comes. */
const HOLD_MS = 250;
/** Longer waits would make Node's timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createWebhookSender({
  knobs,
  options,
  retry,
  timeoutMs,
}: WebhookSenderOptions): WebhookSender {
  const closing = new AbortController();
  const waiters: (() => void)[] = [];
  const held = new Set<() => void>();
  let underWay = 0;

  const happens = (probability: number): boolean => probability > 0 && options.random() < probability;

  /** Resolves early, and false, when the sender is closed. */
  const pause = (ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      if (closing.signal.aborted) return resolve(false);
      const stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
      const timer = setTimeout(
        () => {
          closing.signal.removeEventListener("abort", stop);
          resolve(true);
        },
        Math.min(ms, MAX_TIMER_MS),
      );
      closing.signal.addEventListener("abort", stop, { once: true });
    });

  function track(work: Promise<void>): Promise<void> {
    underWay++;
    return work.finally(() => {
      underWay--;
      if (underWay === 0) for (const done of waiters.splice(0)) done();
    });
  }

  /** The first delivery. */
  async function dispatch(webhook: OutgoingWebhook): Promise<void> {
    const { duplicate, reorder, drop, delayMs } = knobs.webhooks;
    if (happens(drop)) return;
    const twice = happens(duplicate);
    if (happens(reorder)) await untilALaterOne();
    if (delayMs > 0 && !(await pause(delayMs))) return;
    const failed = await deliver(webhook);
    for (const release of held) release();
    if (twice) void track(again(webhook, DUPLICATE_AFTER_MS, 0));
    if (failed) repeat(webhook, 1, failed);
  }

  async function untilALaterOne(): Promise<void> {
    const later = Promise.withResolvers<boolean>();
    const release = () => later.resolve(true);
    held.add(release);
    await Promise.race([later.promise, pause(HOLD_MS)]);
    held.delete(release);
  }

  function repeat(webhook: OutgoingWebhook, failures: number, result: DeliveryResult): void {
    const wait = retry(failures, result);
    if (wait !== null) void track(again(webhook, wait / options.timeScale, failures));
  }

  async function again(webhook: OutgoingWebhook, waitMs: number, failures: number): Promise<void> {
    if (!(await pause(waitMs))) return;
    const failed = await deliver(webhook);
    if (failed && failures > 0) repeat(webhook, failures + 1, failed);
  }

  /** @returns the reason of a failure; null when it was accepted */
  async function deliver({ url, body, headers }: OutgoingWebhook): Promise<DeliveryResult | null> {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url ?? options.webhookUrl(), {
        method: "POST",
        headers: { "content-type": "application/json", ...headers(body) },
        body: happens(knobs.webhooks.tamper) ? tampered(body) : body,
        redirect: "manual",
        signal: AbortSignal.any([late, closing.signal]),
      });
      await response.arrayBuffer();
      return response.ok ? null : { status: response.status };
    } catch {
      return { status: late.aborted ? "timeout" : "unreachable" };
    }
  }

  return {
    send(webhook, cause) {
      if (!cause) return void track(dispatch(webhook));
      if (knobs.webhooks.race) cause.holdAnswer(track(dispatch(webhook)));
      else void track(cause.answered.then(() => dispatch(webhook)));
    },
    idle: () => new Promise((resolve) => (underWay === 0 ? resolve() : waiters.push(resolve))),
    close() {
      closing.abort();
    },
  };
}

/** Changes the amount, where there is one, as an attacker would. */
function tampered(body: string): string {
  const changed = withAnotherAmount(body);
  return changed === body ? `${body} ` : changed;
}

/** Changes the first digit soon after the word. */
function withAnotherAmount(body: string): string {
  for (const { index } of body.matchAll(/amount/gi)) {
    const from = index + "amount".length;
    const at = from + body.slice(from, from + 40).search(/\d/);
    if (at >= from) return `${body.slice(0, at)}${(Number(body[at]) % 9) + 1}${body.slice(at + 1)}`;
  }
  return body;
}
