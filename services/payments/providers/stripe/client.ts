/** Stripe's SDK with this shop's rules: one time-out, bounded answers, no redirects, and errors of the port. */
import { AsyncLocalStorage } from "node:async_hooks";
import type Stripe from "stripe";
import { ProviderMisconfigured, ProviderRefused, providerFailed } from "../provider.ts";
import { boundedBody } from "../support/bounded-body.ts";
import { stripeSdk } from "./sdk.ts";

const MAX_ANSWER_BYTES = 2_000_000;

/** Calls Stripe. The SDK has no signals, so they are passed beside the call. */
export type Ask = <T>(signal: AbortSignal, call: (stripe: Stripe) => Promise<T>) => Promise<T>;

/** Stripe failed under this key, keeps the failure, and repeats it for this key. */
export class FailureRepeated extends Error {
  override readonly name = "FailureRepeated";
}

/** The intent's state does not permit the request. `message` is Stripe's. */
export class UnexpectedState extends ProviderRefused {}

/** @param base address of the API, without a path */
export function createClient(secretKey: string, base: URL): { stripe: Stripe; ask: Ask } {
  const signals = new AsyncLocalStorage<AbortSignal>();
  const fetchBounded = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const signal = [init?.signal, signals.getStore()].filter((it) => it instanceof AbortSignal);
    const response = await fetch(url, { ...init, redirect: "error", signal: AbortSignal.any(signal) });
    const body = await boundedBody(response, MAX_ANSWER_BYTES);
    return new Response(body, { status: response.status, headers: response.headers });
  };
  const Sdk = stripeSdk();
  const stripe = new Sdk(secretKey, {
    host: base.hostname,
    port: base.port || (base.protocol === "http:" ? 80 : 443),
    protocol: base.protocol === "http:" ? "http" : "https",
    httpClient: Sdk.createFetchHttpClient(fetchBounded),
    // The caller repeats the call, within its own time and with the same key.
    maxNetworkRetries: 0,
    telemetry: false,
  });
  return {
    stripe,
    async ask(signal, call) {
      try {
        return await signals.run(signal, () => call(stripe));
      } catch (error) {
        throw translated(error);
      }
    },
  };
}

function translated(error: unknown): unknown {
  if (!(error instanceof stripeSdk().errors.StripeError)) return error;
  const status = error.statusCode ?? 0;
  // Stripe repeats a part of the key in its text, so the text is dropped.
  if (status === 401 || status === 403)
    return new ProviderMisconfigured(`stripe does not accept our credentials (${status})`);
  if (status >= 500 && error.headers?.["idempotent-replayed"] === "true")
    return new FailureRepeated(`stripe failed (${status})`);
  if (status === 0 || status === 409 || status === 429 || status >= 500)
    return providerFailed(status === 0 ? "stripe can't be reached" : `stripe answered ${status}`, error);
  if (error.type === "StripeIdempotencyError") return new ProviderRefused("asked before with other details");
  if (error.code === "payment_intent_unexpected_state") return new UnexpectedState(error.message);
  return new ProviderRefused(error.message.slice(0, 300));
}
