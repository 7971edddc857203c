/** PayPal's access token. Concurrent callers share one request for it. It is renewed before it ends. */
import { z } from "zod";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { ProviderMisconfigured, providerFailed } from "../provider.ts";
import { boundedBody } from "../support/bounded-body.ts";

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
  /** Milliseconds since the epoch. */
  readonly renewAt: number;
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
  let known: Token | undefined;
  let asking: Promise<Token> | undefined;

  async function ask(): Promise<Token> {
    const response = await fetch(`${base}/v1/oauth2/token`, {
      method: "POST",
      headers: {
        accept: "application/json",
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
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
    const lasts = expires_in * 1_000;
    return { value: access_token, renewAt: clock.now() + Math.max(lasts / 2, lasts - MARGIN_MS) };
  }

  async function renewed(): Promise<Token> {
    try {
      known = await ask();
      return known;
    } catch (error) {
      if (error instanceof ProviderMisconfigured) throw error;
      throw providerFailed("paypal gave no token", error);
    } finally {
      asking = undefined;
    }
  }

  return {
    async get() {
      if (known && clock.now() < known.renewAt) return known.value;
      asking ??= renewed();
      return (await asking).value;
    },
    drop(token) {
      if (known?.value === token) known = undefined;
    },
  };
}
