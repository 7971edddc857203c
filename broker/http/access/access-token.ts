/**
 * Access tokens. `users` signs them and the gateway verifies them. As RFC 8725 and RFC 9068 demand, there is one
 * algorithm, one type, one issuer and one audience. Keys come only from the service's own JWKS.
 */
import { hash } from "node:crypto";
import { type CryptoKey, errors, importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { newId } from "../../contract/ids.ts";
import { id } from "../../contract/schemas.ts";
import type { Clock } from "../../resilience/clock.ts";
import { growingCache } from "../../resilience/growing-cache.ts";
import { singleFlight } from "../../resilience/single-flight.ts";

export const TOKEN_ALGORITHM = "ES256";
const TOKEN_TYPE = "at+jwt";
export const TOKEN_ISSUER = "souk";
export const TOKEN_AUDIENCE = "souk-api";
/** Tokens of `users` are much shorter. Longer ones are refused before any work is done on them. */
const MAX_TOKEN_LENGTH = 4_096;
/** Clocks of two machines may differ by this many seconds. */
const CLOCK_TOLERANCE = 5;

/** A key's name in the JWKS. A token with any other text in its header is refused unseen. */
const keyId = /^[A-Za-z0-9_-]{1,64}$/;

const accessTokenClaims = z.object({
  sub: id,
  /** The token's session. */
  sid: id,
  roles: z
    .array(z.enum(["customer", "staff", "admin"]))
    .min(1)
    .max(3),
  iss: z.literal(TOKEN_ISSUER),
  aud: z.literal(TOKEN_AUDIENCE),
  jti: z.string().min(1).max(64),
  iat: z.int(),
  nbf: z.int().optional(),
  exp: z.int(),
});
export type AccessTokenClaims = z.output<typeof accessTokenClaims>;

/**
 * Signs an access token.
 * @param key ES256 private key
 * @param kid the key's name in the JWKS
 * @param ttlSeconds lifetime in seconds
 */
export function signAccessToken(
  key: CryptoKey,
  kid: string,
  { sub, sid, roles }: Pick<AccessTokenClaims, "sub" | "sid" | "roles">,
  ttlSeconds: number,
  clock: Clock,
): Promise<string> {
  const now = Math.floor(clock.now() / 1_000);
  return new SignJWT({ sid, roles: [...roles] })
    .setProtectedHeader({ alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid })
    .setSubject(sub)
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setJti(newId())
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(key);
}

/** The token is not ours, or no longer valid. */
export class TokenRejectedError extends Error {
  override readonly name = "TokenRejectedError";
}

export interface TokenVerifier {
  /** Claims of a token that was verified before and is still valid. Does not check the signature. */
  known(token: string): AccessTokenClaims | undefined;
  /**
   * @throws {TokenRejectedError} for any token that is not valid now
   * @throws any error of `fetchJwks`, when the keys can't be fetched
   */
  verify(token: string): Promise<AccessTokenClaims>;
}

export interface Jwks {
  keys: readonly Record<string, unknown>[];
}

export interface TokenVerifierOptions {
  /** Tokens with a longer lifetime are refused, whoever signed them. Milliseconds. */
  maxLifetime?: number;
  /** Number of verified tokens in the cache. They stay until they expire. */
  cacheSize?: number;
  /** An unknown `kid` fetches the keys again, at most once in this time. Milliseconds. */
  cooldown?: number;
  /** Older keys are fetched again, so that withdrawn keys stop working. Milliseconds. */
  maxAge?: number;
}

/**
 * Verifies access tokens against the public keys of `fetchJwks`. Verified tokens are cached by hash until they
 * expire, so the usual cost is one SHA-256.
 */
export function createTokenVerifier(
  fetchJwks: () => Promise<Jwks>,
  clock: Clock,
  {
    maxLifetime = 900_000,
    cacheSize = 10_000,
    cooldown = 10_000,
    maxAge = 600_000,
  }: TokenVerifierOptions = {},
): TokenVerifier {
  const verified = growingCache<AccessTokenClaims>(cacheSize);
  let keys = new Map<string, CryptoKey>();
  let fetchedAt = Number.NEGATIVE_INFINITY;

  const isLive = (claims: AccessTokenClaims) => (claims.exp + CLOCK_TOLERANCE) * 1_000 > clock.now();

  const fetchKeys = singleFlight(async () => {
    const next = await importKeys(await fetchJwks());
    for (const kid of keys.keys()) if (!next.has(kid)) verified.clear();
    keys = next;
    fetchedAt = clock.now();
  });

  async function keyFor(kid: unknown): Promise<CryptoKey> {
    if (typeof kid !== "string" || !keyId.test(kid)) throw new TokenRejectedError("the key id is not usable");
    const age = clock.now() - fetchedAt;
    if (age > maxAge || (!keys.has(kid) && age > cooldown)) await fetchKeys();
    const key = keys.get(kid);
    if (!key) throw new TokenRejectedError("there is no key with this id");
    return key;
  }

  return {
    known(token) {
      const key = fingerprint(token);
      const claims = verified.get(key);
      if (claims && isLive(claims)) return claims;
      if (claims) verified.delete(key);
      return undefined;
    },

    async verify(token) {
      const known = this.known(token);
      if (known) return known;
      if (token.length > MAX_TOKEN_LENGTH) throw new TokenRejectedError("the token is too long");
      try {
        const { payload } = await jwtVerify(token, (header) => keyFor(header.kid), {
          algorithms: [TOKEN_ALGORITHM],
          typ: TOKEN_TYPE,
          issuer: TOKEN_ISSUER,
          audience: TOKEN_AUDIENCE,
          requiredClaims: ["sub", "sid", "roles", "jti", "iat", "exp"],
          clockTolerance: CLOCK_TOLERANCE,
          currentDate: new Date(clock.now()),
        });
        const claims = accessTokenClaims.safeParse(payload);
        if (!claims.success) throw new TokenRejectedError("the claims are invalid");
        const { iat, exp } = claims.data;
        if (exp - iat > maxLifetime / 1_000)
          throw new TokenRejectedError("the token has too long a lifetime");
        if ((iat - CLOCK_TOLERANCE) * 1_000 > clock.now())
          throw new TokenRejectedError("issued in the future");
        verified.set(fingerprint(token), claims.data);
        return claims.data;
      } catch (error) {
        if (error instanceof errors.JOSEError) throw new TokenRejectedError(error.code, { cause: error });
        throw error;
      }
    },
  };
}

/** The cache key is a hash, so that no bearer token stays in memory longer than its request. */
const fingerprint = (token: string) => hash("sha256", token, "base64url");

async function importKeys(jwks: Jwks): Promise<Map<string, CryptoKey>> {
  const keys = new Map<string, CryptoKey>();
  for (const jwk of jwks.keys) {
    const { kty, crv, kid, x, y, alg } = jwk as JWK;
    if (kty !== "EC" || crv !== "P-256" || typeof kid !== "string" || !keyId.test(kid)) continue;
    if (alg !== undefined && alg !== TOKEN_ALGORITHM) continue;
    const key = await importJWK({ kty, crv, x, y }, TOKEN_ALGORITHM);
    if (!(key instanceof Uint8Array)) keys.set(kid, key);
  }
  return keys;
}
