/**
 * Daraja's access tokens. One token serves all requests until shortly before its end. Concurrent callers share one
 * request for it.
 */
import { z } from "zod";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { sharedValue } from "../../../../broker/resilience/single-flight.ts";
import { ProviderMisconfigured } from "../provider.ts";
import { basicAuth, checkStatus, expected, type ProviderHttp } from "../support/http.ts";

const TIMEOUT_MS = 12_000;
/** A token of one hour is used for fifty minutes. */
const MARGIN_MS = 600_000;

const answered = z.object({
  access_token: z.string().min(1).max(4_000),
  expires_in: z.coerce.number().int().positive(),
});

export interface AccessToken {
  /** @throws {ProviderMisconfigured} where consumer key or secret are wrong */
  get(): Promise<string>;
  /** Makes the next `get` request a new one, unless another caller has done so. */
  drop(token: string): void;
}

export function createAccessToken(
  http: ProviderHttp,
  { consumerKey, consumerSecret }: { consumerKey: string; consumerSecret: string },
  clock: Clock,
): AccessToken {
  async function ask(): Promise<{ token: string; lifetimeMs: number }> {
    const answer = await http.request({
      method: "GET",
      path: "/oauth/v1/generate?grant_type=client_credentials",
      headers: { authorization: basicAuth(consumerKey, consumerSecret) },
      // Many callers may wait for it, so none of them cancels it.
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    checkStatus("mpesa", answer);
    if (answer.status >= 400)
      throw new ProviderMisconfigured(`mpesa does not accept our credentials (${answer.status})`);
    const { access_token, expires_in } = expected("mpesa", answered, answer);
    return { token: access_token, lifetimeMs: expires_in * 1_000 };
  }

  const shared = sharedValue(ask, {
    clock,
    keepMs: ({ lifetimeMs }) => Math.max(lifetimeMs - MARGIN_MS, lifetimeMs / 2),
  });
  return {
    get: async () => (await shared.get()).token,
    drop: (token) => shared.forget((it) => it.token === token),
  };
}
