/** PayPal's access token. Concurrent callers share one request for it. It is renewed before it ends. */
import { z } from "zod";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { sharedValue } from "../../../../broker/resilience/single-flight.ts";
import { ProviderMisconfigured, providerFailed } from "../provider.ts";
import { boundedBody } from "../support/bounded-body.ts";
import { basicAuth } from "../support/http.ts";

const TIMEOUT_MS = 8_000;
const MAX_ANSWER_BYTES = 100_000;
/** How long before its end it is renewed. */
const MARGIN_MS = 120_000;

const answer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,4000}$/),
  expires_in: z.number().min(1),
});

interface Token {
  readonly value: string;
  readonly lifetimeMs: number;
}

export interface Tokens {
  /** @throws {ProviderMisconfigured} when PayPal does not accept our credentials */
  get(): Promise<string>;
  /** Call it when PayPal refuses the token. */
  drop(token: string): void;
}

export function createTokens(
  { base, clientId, clientSecret }: { base: string; clientId: string; clientSecret: string },
  clock: Clock,
): Tokens {
  async function ask(): Promise<Token> {
    const response = await fetch(`${base}/v1/oauth2/token`, {
      method: "POST",
      headers: {
        accept: "application/json",
        authorization: basicAuth(clientId, clientSecret),
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "grant_type=client_credentials",
      redirect: "error",
      // All waiting callers share it, so none of them can cancel it.
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await boundedBody(response, MAX_ANSWER_BYTES);
    if (response.status === 400 || response.status === 401 || response.status === 403)
      throw new ProviderMisconfigured(`paypal does not accept our client id and secret (${response.status})`);
    if (!response.ok) throw providerFailed(`paypal gave no token (${response.status})`);
    const { access_token, expires_in } = answer.parse(JSON.parse(text));
    return { value: access_token, lifetimeMs: expires_in * 1_000 };
  }

  const shared = sharedValue(
    () =>
      ask().catch((error: unknown) => {
        if (error instanceof ProviderMisconfigured) throw error;
        throw providerFailed("paypal gave no token", error);
      }),
    { clock, keepMs: ({ lifetimeMs }) => Math.max(lifetimeMs / 2, lifetimeMs - MARGIN_MS) },
  );
  return {
    get: async () => (await shared.get()).value,
    drop: (token) => shared.forget((it) => it.value === token),
  };
}
