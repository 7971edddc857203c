/**
 * Workers that act at a provider for a payment. Each call has a time-out and a key that makes a repetition harmless; a
 * definite no is answered, any other failure is thrown, so that the message is tried again.
 */
import type { Message } from "../../broker/bus/envelope.ts";
import type { Clock } from "../../broker/clock.ts";
import type { Log } from "../../broker/runtime.ts";
import type { WorkerTools } from "../../broker/service.ts";
import type { Providers } from "./providers/index.ts";
import { type PaymentProvider, ProviderRefused, providerFailed } from "./providers/provider.ts";

export const PROVIDER_TIMEOUT_MS = 15_000;

interface Work {
  providers: Providers;
  clock: Clock;
  log: Log;
}

/** Gives up on an unreachable provider when the order's time to pay is over. */
export async function openPayment(
  { providers, clock, log }: Work,
  { subject: paymentId, data }: Message<"payment.request">,
  { answer }: WorkerTools,
): Promise<void> {
  const { orderId, orderNumber, customerId, amount, payment } = data;
  const expiresAt = new Date(data.expiresAt);
  const provider = providers.find(payment.provider);
  const refuse = (reason: string) => answer("payment.refused", paymentId, { reason });
  if (!provider) return refuse(`${payment.provider} is not available here`);
  try {
    const opened = await inTime(provider, (it, signal) =>
      it.createPayment(
        {
          paymentId,
          orderId,
          orderNumber,
          customerId,
          amount,
          expiresAt,
          options: payment.options ?? {},
        },
        signal,
      ),
    );
    await answer("payment.opened", paymentId, {
      providerRef: opened.providerRef,
      nextAction: opened.nextAction,
      expiresAt: opened.expiresAt?.toISOString() ?? null,
    });
  } catch (error) {
    if (error instanceof ProviderRefused) return refuse(error.message);
    if (clock.now() < expiresAt.getTime()) throw error;
    log.warn("a payment could not be opened in time", { paymentId, reason: (error as Error).message });
    return refuse(`${provider.name} did not answer in time`);
  }
}

/** A payment that can't be cancelled was paid; its capture will be reported, and refunded. */
export async function cancelAtProvider(
  { providers, log }: Work,
  { subject: paymentId, data }: Message<"provider.cancel">,
): Promise<void> {
  try {
    await inTime(configured(providers, data.provider), (it, signal) => it.cancel(data.providerRef, signal));
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    log.info("a payment was not cancelled", { paymentId, provider: data.provider, reason: error.message });
  }
}

export async function refundAtProvider(
  { providers }: Work,
  { subject: paymentId, data }: Message<"provider.refund">,
  { answer }: WorkerTools,
): Promise<void> {
  const { providerRef, refundId, amount, reason } = data;
  try {
    await inTime(configured(providers, data.provider), (it, signal) =>
      it.refund({ providerRef, amount, reason, idempotencyKey: refundId }, signal),
    );
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    return answer("provider.refund_failed", paymentId, { refundId, reason: error.message });
  }
  await answer("provider.refunded", paymentId, { refundId });
}

/** A provider that took money and was unconfigured since: waits until it is back. */
function configured(providers: Providers, name: string): PaymentProvider {
  const found = providers.find(name);
  if (!found) throw providerFailed(`${name} is not configured`);
  return found;
}

/** Also ends the wait where an adapter does not heed its signal. */
async function inTime<T>(
  provider: PaymentProvider,
  work: (provider: PaymentProvider, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(PROVIDER_TIMEOUT_MS);
  const late = Promise.withResolvers<never>();
  const onLate = () => late.reject(providerFailed(`${provider.name} did not answer in time`));
  signal.addEventListener("abort", onLate, { once: true });
  try {
    return await Promise.race([work(provider, signal), late.promise]);
  } finally {
    signal.removeEventListener("abort", onLate);
  }
}
