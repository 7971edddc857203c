/**
 * Calls to payment providers. Each takes a slot of the bulkhead and has a time-out. It ends in one of four ways, and
 * is counted and logged.
 */

import type { Clock } from "../../../broker/resilience/clock.ts";
import { inTime } from "../../../broker/resilience/deadline.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import type { Providers } from "../providers/create-providers.ts";
import {
  type PaymentProvider,
  ProviderMisconfigured,
  ProviderRefused,
  providerFailed,
} from "../providers/provider.ts";
import type { PaymentMetrics } from "./metrics.ts";
import type { CallOutcome, ProviderCall } from "./outcome.ts";
import type { Bulkhead } from "./provider-bulkhead.ts";

export interface ProviderCaller {
  readonly providers: Providers;
  readonly bulkhead: Bulkhead;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: PaymentMetrics;
  /** How long a provider may take to answer. */
  readonly timeoutMs: number;
}

/** A failure that can be retried. */
export type FailedCall = Exclude<CallOutcome<never>, { kind: "done" | "refused" }>;

/**
 * Never throws for a provider's failure. A message that is retried in place would occupy a worker slot that others
 * need.
 * @param name of the provider; one that took money and is no longer configured counts as misconfigured
 * @param paymentId for the log
 */
export async function callProvider<T>(
  { providers, bulkhead, log, metrics, timeoutMs }: ProviderCaller,
  name: string,
  call: ProviderCall,
  paymentId: string,
  work: (provider: PaymentProvider, signal: AbortSignal) => Promise<T>,
): Promise<CallOutcome<T>> {
  const provider = providers.find(name);
  if (!provider) return { kind: "misconfigured", reason: `${name} is not configured` };
  const ended = await bulkhead.take(`${name} ${call}`);
  if (!ended) return { kind: "unknown", reason: `too many calls wait for ${name}` };
  const outcome = await settle(provider, timeoutMs, work);
  ended(outcome.kind === "done" || outcome.kind === "refused");
  metrics.called(provider.name, call, outcome.kind);
  if (outcome.kind === "done") log.debug(`${provider.name}: ${call} is done`, { paymentId });
  else if (outcome.kind === "refused")
    log.info(`${provider.name}: ${call} was refused`, { paymentId, reason: outcome.reason });
  else if (outcome.kind === "misconfigured")
    rateLimitedLog(log).error(`settings ${provider.name}`, `${provider.name}: our settings are wrong`, {
      paymentId,
      call,
      reason: outcome.reason,
    });
  else
    rateLimitedLog(log).warn(`${provider.name} ${call}`, `${provider.name}: ${call} has failed`, {
      paymentId,
      reason: outcome.reason,
    });
  return outcome;
}

async function settle<T>(
  provider: PaymentProvider,
  timeoutMs: number,
  work: (provider: PaymentProvider, signal: AbortSignal) => Promise<T>,
): Promise<CallOutcome<T>> {
  try {
    // Also ends the wait where an adapter does not heed its signal.
    const late = () => providerFailed(`${provider.name} did not answer in time`);
    const value = await inTime(timeoutMs, work(provider, AbortSignal.timeout(timeoutMs)), late);
    return { kind: "done", value };
  } catch (error) {
    const reason = ((error as Error).message ?? String(error)).slice(0, 500);
    if (error instanceof ProviderRefused) return { kind: "refused", reason };
    if (error instanceof ProviderMisconfigured) return { kind: "misconfigured", reason };
    return { kind: "unknown", reason };
  }
}

/** The failure as sent to the payment. */
export const failureData = ({ kind, reason }: FailedCall) => ({
  trouble: kind === "misconfigured" ? ("misconfigured" as const) : ("unreachable" as const),
  reason,
});
