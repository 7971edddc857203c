/**
 * The keys that sign access tokens: from JWT_PRIVATE_KEY, or generated once and stored in the database. Nodes that
 * start at once agree, because the `_id` of each generation is unique. A generated key is replaced after
 * `JWT_KEY_ROTATION`, or when an operator wants it. The new key is published an hour before it signs. The old one stays
 * published for an hour after. So every token finds its key as long as it is valid, and nobody is signed out.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { type CryptoKey, calculateJwkThumbprint, importPKCS8, type JWK } from "jose";
import type { Model } from "mongoose";
import { trusted } from "mongoose";
import { TOKEN_ALGORITHM } from "../../../broker/http/access/access-token.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { singleFlight } from "../../../broker/resilience/single-flight.ts";
import type { SigningKey } from "../models/signing-key.model.ts";

const HOUR_MS = 3_600_000;
/** Longer than verifiers cache keys, and than the lifetime of access tokens. */
export const OVERLAP_MS = HOUR_MS;
/** How often a node looks for keys that others have added, and whether a new one is due. */
const REFRESH_MS = 10 * 60_000;
/** Whoever asks for the public keys gets ones that are not older. */
const FRESH_MS = 10_000;

const GENERATED = /^generated-(\d+)$/;
const generation = (key: SigningKey): number => Number(GENERATED.exec(key._id)?.[1] ?? 0);

/** The generated key to sign with: the newest that verifiers know by now. The first one signs at once. */
function activeKey(keys: readonly SigningKey[], now: number): SigningKey | undefined {
  const generated = keys.filter((it) => it.privateKey).sort((a, b) => generation(b) - generation(a));
  return generated.find((it) => it.activeFrom.getTime() <= now) ?? generated.at(-1);
}

export interface Signer {
  key: CryptoKey;
  kid: string;
}

export interface SigningKeys {
  start(): Promise<void>;
  stop(): void;
  /** The present signer. */
  signer(): Promise<Signer>;
  /** Public keys of all tokens that may be valid. */
  jwks(): Promise<JWK[]>;
}

export interface SigningKeysOptions {
  model: Model<SigningKey>;
  clock: Clock;
  log: Log;
  /** PKCS 8 in PEM. */
  configured?: string | undefined;
  /** After this time, a generated key is replaced. Milliseconds. */
  lifetime: number;
}

export function createSigningKeys({
  model,
  clock,
  log,
  configured,
  lifetime,
}: SigningKeysOptions): SigningKeys {
  let keys: SigningKey[] = [];
  let loadedAt = Number.NEGATIVE_INFINITY;
  let own: Signer | undefined;
  const imported = new Map<string, Promise<CryptoKey>>();
  let timer: NodeJS.Timeout | undefined;

  async function load(): Promise<void> {
    const began = clock.now();
    keys = await model.find().lean<SigningKey[]>();
    loadedAt = began;
  }

  async function publishConfigured(pem: string): Promise<void> {
    const publicJwk = publicPart(pem);
    const kid = await calculateJwkThumbprint(publicJwk);
    await insertUnlessThere(model, { _id: kid, kid, publicJwk, activeFrom: new Date(clock.now()) });
    // It may have been configured before, withdrawn, and not expired yet.
    await model.updateOne({ _id: kid }, { $unset: { expiresAt: 1 } });
    // The replaced key, which may have leaked, stays valid for the time of a roll-out.
    await model.updateMany(
      {
        _id: trusted({ $ne: kid }),
        privateKey: trusted({ $exists: false }),
        expiresAt: trusted({ $exists: false }),
      },
      { $set: { expiresAt: new Date(clock.now() + OVERLAP_MS) } },
    );
    own = { kid, key: await importPKCS8(pem, TOKEN_ALGORITHM) };
    await load();
  }

  async function keepGenerated(): Promise<void> {
    await load();
    const last = newestOf(keys);
    if (!last) await insertUnlessThere(model, await generate(1, clock.now()));
    else if (clock.now() - last.activeFrom.getTime() > lifetime) {
      const from = await succeed(model, last, clock);
      log.info("a new key will sign access tokens", { from: from.toISOString() });
    } else return;
    await load();
  }

  const refresh = singleFlight(() => (configured ? load() : keepGenerated()));
  const refreshOlderThan = async (ms: number) => {
    if (clock.now() - loadedAt > ms) await refresh();
  };

  return {
    async start() {
      await (configured ? publishConfigured(configured) : keepGenerated());
      timer = setInterval(() => {
        refresh().catch((error: Error) =>
          log.warn("signing keys were not refreshed", { reason: error.message }),
        );
      }, REFRESH_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
    async signer() {
      if (own) return own;
      await refreshOlderThan(REFRESH_MS);
      const active = activeKey(keys, clock.now());
      if (!active?.privateKey) throw new Error("there is no key to sign access tokens with");
      const pending = imported.get(active.kid) ?? importPKCS8(active.privateKey, TOKEN_ALGORITHM);
      imported.set(active.kid, pending);
      return { kid: active.kid, key: await pending };
    },
    async jwks() {
      await refreshOlderThan(FRESH_MS);
      return keys
        .filter((it) => !it.expiresAt || it.expiresAt.getTime() > clock.now())
        .map(({ kid, publicJwk }) => ({ ...publicJwk, kid, use: "sig", alg: TOKEN_ALGORITHM }));
    },
  };
}

/**
 * Makes the key that follows the newest generated one, for operators.
 * @returns when it begins to sign
 * @throws when none was generated, or the newest does not sign yet
 */
export async function rotateSigningKey(model: Model<SigningKey>, clock: Clock): Promise<Date> {
  const last = newestOf(await model.find().lean<SigningKey[]>());
  if (!last)
    throw new Error("no key was generated yet: JWT_PRIVATE_KEY signs, or the shop was never started");
  if (last.activeFrom.getTime() > clock.now())
    throw new Error(`a new key signs from ${last.activeFrom.toISOString()} on already`);
  return succeed(model, last, clock);
}

function newestOf(keys: readonly SigningKey[]): SigningKey | undefined {
  return keys.filter((it) => generation(it) > 0).sort((a, b) => generation(b) - generation(a))[0];
}

async function succeed(model: Model<SigningKey>, last: SigningKey, clock: Clock): Promise<Date> {
  const activeFrom = clock.now() + OVERLAP_MS;
  const successor = `generated-${generation(last) + 1}`;
  // First the end of the old key, then the new one. After a crash in between, the next try completes it.
  await model.updateMany(
    {
      _id: trusted({ $ne: successor }),
      privateKey: trusted({ $exists: true }),
      expiresAt: trusted({ $exists: false }),
    },
    { $set: { expiresAt: new Date(activeFrom + OVERLAP_MS) } },
  );
  await insertUnlessThere(model, await generate(generation(last) + 1, activeFrom));
  return new Date(activeFrom);
}

async function insertUnlessThere(model: Model<SigningKey>, key: SigningKey): Promise<void> {
  try {
    await model.create(key);
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}

async function generate(number: number, activeFrom: number): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicJwk = publicPart(pem);
  const kid = await calculateJwkThumbprint(publicJwk);
  return { _id: `generated-${number}`, kid, publicJwk, privateKey: pem, activeFrom: new Date(activeFrom) };
}

/** @throws when it is no key for ES256 */
function publicPart(pem: string): JWK {
  const jwk = createPublicKey(createPrivateKey(pem)).export({ format: "jwk" });
  if (jwk.kty !== "EC" || jwk.crv !== "P-256")
    throw new Error("JWT_PRIVATE_KEY: must be an EC key on curve P-256");
  return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y } as JWK;
}
