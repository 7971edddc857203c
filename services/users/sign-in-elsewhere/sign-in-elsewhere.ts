/**
 * Signing in at a provider of OpenID Connect: code flow with PKCE, state and nonce. What the way back needs stays in a
 * sealed cookie of the browser that began, so that no other browser can end the sign-in, and no node has to remember it. The
 * shop's page gets a code that is good once, and only with the verifier which that page has kept.
 */

import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import { API_BASE } from "../../../broker/http/api-route.ts";
import { publicUrl } from "../../../broker/http/public-url.ts";
import { cookieName } from "../../../broker/http/request/request-headers.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import type { Seal } from "../credentials/seal.ts";
import { OIDC_COOKIE } from "../elsewhere.actions.ts";
import type { Tickets } from "../sessions/sign-in-tickets.ts";
import { accountOf, type LinkTools, type Person } from "./link-account.ts";
import type { Provider, Providers } from "./providers.ts";

/** From the first redirect to the way back. */
export const SIGN_IN_WITHIN_MS = 10 * 60_000;
const SEALED_ABOUT = "sign-in elsewhere";

export interface ElsewhereTools extends LinkTools {
  providers: Providers;
  seal: Seal;
  tickets: Tickets;
  clock: Clock;
  log: Log;
  config: Pick<Config, "PUBLIC_URL" | "HOST" | "PORT" | "OIDC_RETURN_URL">;
}

/** What the browser keeps. */
interface Begun {
  provider: string;
  state: string;
  nonce: string;
  codeVerifier: string;
  challenge: string;
  until: number;
}

/** @throws {SoukError} SIGN_IN_REFUSED, UNAVAILABLE */
export async function beginElsewhere(
  { providers, seal, clock, config }: ElsewhereTools,
  { provider: name, challenge }: { provider: string; challenge: string },
  meta: CallMeta,
): Promise<void> {
  const provider = providers.named(name);
  const client = await import("openid-client");
  const configuration = await provider.configuration();
  const begun: Begun = {
    provider: name,
    state: client.randomState(),
    nonce: client.randomNonce(),
    codeVerifier: client.randomPKCECodeVerifier(),
    challenge,
    until: clock.now() + SIGN_IN_WITHIN_MS,
  };
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: callbackUrl(config, name),
    scope: provider.scopes,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(begun.codeVerifier),
    code_challenge_method: "S256",
  });
  const cookie = await seal.seal(JSON.stringify(begun), SEALED_ABOUT);
  redirect(meta, url, cookieHeader(config, cookie, SIGN_IN_WITHIN_MS / 1_000));
}

/** @throws {SoukError} SIGN_IN_REFUSED, EMAIL_UNVERIFIED, ACCOUNT_BLOCKED, UNAVAILABLE */
export async function returnFromElsewhere(
  tools: ElsewhereTools,
  { provider: name, ...sent }: { provider: string } & Record<string, string | undefined>,
  meta: CallMeta,
): Promise<void> {
  const { providers, tickets, config } = tools;
  const provider = providers.named(name);
  const begun = await begunBy(tools, meta.cookie);
  if (begun?.provider !== name)
    throw new SoukError("SIGN_IN_REFUSED", "This sign-in did not begin in this browser, or took too long.");
  const callback = new URL(callbackUrl(config, name));
  for (const [key, value] of Object.entries(sent))
    if (value !== undefined) callback.searchParams.set(key, value);
  const account = await accountOf(tools, await identify(tools, provider, callback, begun));
  const back = new URL(config.OIDC_RETURN_URL ?? `${publicUrl(config)}/account/signed-in`);
  back.searchParams.set("provider", name);
  back.searchParams.set("code", await tickets.issue("elsewhere", account, begun.challenge));
  redirect(meta, back, cookieHeader(config, "", 0));
}

/** What the browser began; undefined for a cookie that is missing, not ours, or too old. */
async function begunBy({ seal, clock }: ElsewhereTools, cookie = ""): Promise<Begun | undefined> {
  const opened = await seal.open(cookie, SEALED_ABOUT);
  // It was sealed here, so it has this form.
  const begun = opened === undefined ? undefined : (JSON.parse(opened) as Begun);
  return begun && begun.until > clock.now() ? begun : undefined;
}

/** Exchanges the provider's code, and checks state, issuer, nonce, audience, times and signature. */
async function identify(
  { log }: ElsewhereTools,
  provider: Provider,
  callback: URL,
  { state, nonce, codeVerifier }: Begun,
): Promise<Person> {
  const client = await import("openid-client");
  const configuration = await provider.configuration();
  try {
    const granted = await client.authorizationCodeGrant(configuration, callback, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    });
    const claims = granted.claims();
    if (!claims) throw new Error("there is no ID token");
    const { iss: issuer, sub: subject } = claims;
    const told =
      claims.email === undefined && configuration.serverMetadata().userinfo_endpoint
        ? await client.fetchUserInfo(configuration, granted.access_token, subject)
        : claims;
    return {
      issuer,
      subject,
      email: textOf(told.email),
      emailVerified: told.email_verified === true,
      name: textOf(told.name),
    };
  } catch (error) {
    rateLimitedLog(log).warn(`oidc ${provider.name}`, "a sign-in elsewhere was refused", {
      provider: provider.name,
      reason: redactedReason(error),
    });
    throw new SoukError("SIGN_IN_REFUSED");
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value.length <= 1_000 ? value : undefined;

/** Made of the shop's own address, and of no header, so that a provider never sends a code elsewhere. */
const callbackUrl = (config: ElsewhereTools["config"], name: string): string =>
  `${publicUrl(config)}${API_BASE}/auth/oidc/${name}/callback`;

function cookieHeader(config: ElsewhereTools["config"], value: string, seconds: number): string {
  const secure = publicUrl(config).startsWith("https:");
  const name = cookieName(OIDC_COOKIE, secure);
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
}

function redirect(meta: CallMeta, url: URL, cookie: string): void {
  meta.$statusCode = 302;
  meta.$responseHeaders = { ...meta.$responseHeaders, Location: url.href, "Set-Cookie": cookie };
}
