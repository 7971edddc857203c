import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importPKCS8, SignJWT } from "jose";
import { newId } from "../../../broker/contract/ids.ts";
import {
  createTokenVerifier,
  type Jwks,
  signAccessToken,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
  TokenRejectedError,
} from "../../../broker/http/access/access-token.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("an access token", () => {
  const time = { at: Date.UTC(2026, 0, 1) };
  const clock: Clock = { now: () => time.at };
  const sub = newId();
  const sid = newId();
  let key: CryptoKey;
  let publicKey: CryptoKey;
  let jwks: Jwks;
  let fetched: number;
  const fetchJwks = async () => {
    fetched++;
    return jwks;
  };
  const seconds = () => Math.floor(time.at / 1_000);

  before(async () => {
    ({ privateKey: key, publicKey } = await generateKeyPair("ES256", { extractable: true }));
    jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256", use: "sig" }] };
  });
  beforeEach(() => {
    fetched = 0;
  });

  const good = () => signAccessToken(key, "k1", { sub, sid, roles: ["staff"] }, 900, clock);
  const claims = () => ({
    sub,
    sid,
    roles: ["admin"],
    iss: TOKEN_ISSUER,
    aud: TOKEN_AUDIENCE,
    jti: newId(),
    iat: seconds(),
    exp: seconds() + 900,
  });
  const sign = (payload: object, header: object = {}, by: CryptoKey = key) =>
    new SignJWT({ ...payload })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "k1", ...header })
      .sign(by);

  it("tells who signed in, and as what", async () => {
    const { sub: who, roles, exp } = await createTokenVerifier(fetchJwks, clock).verify(await good());
    assert.deepEqual({ who, roles, exp }, { who: sub, roles: ["staff"], exp: seconds() + 900 });
  });

  it("is refused in every forged or foreign form", async () => {
    const spki = await exportSPKI(publicKey);
    const other = await generateKeyPair("ES256");
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const rsaKey = await importPKCS8(
      rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      "RS256",
    );
    const hmac = (header: object, secret: string | Buffer) => {
      const text = `${base64(header)}.${base64(claims())}`;
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    };
    const [head = "", body = "", signature = ""] = (await good()).split(".");
    const without = (name: string) =>
      Object.fromEntries(Object.entries(claims()).filter(([it]) => it !== name));
    const forged: Record<string, string> = {
      "no algorithm": `${base64({ alg: "none", typ: "at+jwt", kid: "k1" })}.${base64(claims())}.`,
      "no algorithm, oddly written": `${base64({ alg: "nOnE", typ: "at+jwt", kid: "k1" })}.${base64(claims())}.${signature}`,
      "HMAC with the public key as secret": hmac({ alg: "HS256", typ: "at+jwt", kid: "k1" }, spki),
      "HMAC with the public key's DER as secret": hmac(
        { alg: "HS256", typ: "at+jwt", kid: "k1" },
        createPublicKey(spki).export({ type: "spki", format: "der" }),
      ),
      "another key under our kid": await sign(claims(), {}, other.privateKey),
      "another algorithm": await new SignJWT(claims())
        .setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: "k1" })
        .sign(rsaKey),
      "a key brought along": await sign(
        claims(),
        { kid: "mine", jwk: await exportJWK(other.publicKey) },
        other.privateKey,
      ),
      "a key to be fetched": await sign(
        claims(),
        { kid: "mine", jku: "https://evil.test/jwks" },
        other.privateKey,
      ),
      "a kid that is a path": await sign(claims(), { kid: "../../../dev/null" }),
      "a kid that is a query": await sign(claims(), { kid: "k1' OR '1'='1" }),
      "a kid that reaches a prototype": await sign(claims(), { kid: "__proto__" }),
      "no kid": await sign(claims(), { kid: undefined }),
      "an unknown kid": await sign(claims(), { kid: "k2" }),
      "an unknown critical header": await new SignJWT(claims())
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "k1", crit: ["exp"], exp: 1 })
        .sign(key, { crit: { exp: true } }),
      "an unencoded payload": await sign(claims(), {}).then((it) => {
        const [, payload, mark] = it.split(".");
        return `${base64({ alg: "ES256", typ: "at+jwt", kid: "k1", b64: false, crit: ["b64"] })}.${payload}.${mark}`;
      }),
      "type JWT": await sign(claims(), { typ: "JWT" }),
      "a refresh token's type": await sign(claims(), { typ: "rt+jwt" }),
      "no type": await sign(claims(), { typ: undefined }),
      "another issuer": await sign({ ...claims(), iss: "evil" }),
      "another audience": await sign({ ...claims(), aud: "souk-admin" }),
      "many audiences": await sign({ ...claims(), aud: [TOKEN_AUDIENCE, "x"] }),
      "no audience": await sign(without("aud")),
      "no issuer": await sign(without("iss")),
      "no subject": await sign(without("sub")),
      "a subject that is no id": await sign({ ...claims(), sub: "$ne" }),
      "no expiry": await sign(without("exp")),
      "no session": await sign(without("sid")),
      "a session that is no id": await sign({ ...claims(), sid: "x" }),
      "a longer life than the shop gives": await sign({ ...claims(), exp: seconds() + 901 }),
      "a life of a century": await sign({ ...claims(), exp: seconds() + 3_000_000_000 }),
      "a birth in the future": await sign({ ...claims(), iat: seconds() + 600, exp: seconds() + 1_200 }),
      "no roles": await sign(without("roles")),
      "unknown roles": await sign({ ...claims(), roles: ["root"] }),
      "roles that are no list": await sign({ ...claims(), roles: "admin" }),
      "an expiry in the past": await sign({ ...claims(), exp: seconds() - 60 }),
      "an expiry that is text": await sign({ ...claims(), exp: String(seconds() + 900) }),
      "a start in the future": await sign({ ...claims(), nbf: seconds() + 600 }),
      "a changed payload": `${head}.${base64({ ...claims(), roles: ["admin"] })}.${signature}`,
      "a cut signature": `${head}.${body}.${signature.slice(0, -4)}`,
      "no signature": `${head}.${body}.`,
      "a signature of zeroes": `${head}.${body}.${Buffer.alloc(64).toString("base64url")}`,
      "an opaque refresh token": Buffer.from(newId()).toString("base64url"),
      "five parts": `${head}.${body}.${signature}.x.y`,
      "sheer length": `${head}.${"A".repeat(10_000)}.${signature}`,
      nothing: "",
    };
    const verifier = createTokenVerifier(fetchJwks, clock);
    for (const [what, token] of Object.entries(forged))
      await assert.rejects(verifier.verify(token), TokenRejectedError, what);
    assert.ok(await verifier.verify(await sign(claims())), "the forger's own tools make good tokens too");
  });

  it("is remembered until it ends, and no longer", async () => {
    const verifier = createTokenVerifier(fetchJwks, clock);
    const token = await good();
    assert.equal(verifier.known(token), undefined);
    await verifier.verify(token);
    assert.equal(verifier.known(token)?.sub, sub);
    time.at += 899_000;
    assert.ok(verifier.known(token));
    time.at += 7_000;
    assert.equal(verifier.known(token), undefined);
    await assert.rejects(verifier.verify(token), TokenRejectedError);
  });

  it("under an unknown kid makes the keys be fetched again, but not for every try", async () => {
    const verifier = createTokenVerifier(fetchJwks, clock, { cooldown: 10_000 });
    await verifier.verify(await good());
    time.at += 10_001;
    for (let i = 0; i < 20; i++)
      await assert.rejects(verifier.verify(await sign(claims(), { kid: `x${i}` })), TokenRejectedError);
    assert.equal(fetched, 2);
  });

  it("is good as soon as its new key is published, and old ones with it", async () => {
    const verifier = createTokenVerifier(fetchJwks, clock, { cooldown: 10_000 });
    await verifier.verify(await good());
    const next = await generateKeyPair("ES256");
    const before = jwks;
    jwks = { keys: [...jwks.keys, { ...(await exportJWK(next.publicKey)), kid: "k2" }] };
    time.at += 10_001;
    await verifier.verify(
      await signAccessToken(next.privateKey, "k2", { sub, sid, roles: ["customer"] }, 900, clock),
    );
    await verifier.verify(await good());
    jwks = before;
  });

  it("ends with its key: a withdrawn key's tokens are forgotten when the keys are fetched next", async () => {
    const verifier = createTokenVerifier(fetchJwks, clock, { maxAge: 60_000 });
    const token = await good();
    await verifier.verify(token);
    const before = jwks;
    jwks = { keys: [] };
    time.at += 60_001;
    await assert.rejects(verifier.verify(await sign(claims())), TokenRejectedError);
    await assert.rejects(verifier.verify(token), TokenRejectedError);
    jwks = before;
  });

  it("is neither good nor bad while the keys can't be had", async () => {
    const verifier = createTokenVerifier(() => Promise.reject(new Error("users is away")), clock);
    await assert.rejects(verifier.verify(await good()), /users is away/);
  });

  it("is checked with EC keys on P-256 only, whatever else the key set holds", async () => {
    const { publicKey: rsa } = await generateKeyPair("RS256", { extractable: true });
    const { publicKey: p384, privateKey } = await generateKeyPair("ES384", { extractable: true });
    const mixed = {
      keys: [
        { ...(await exportJWK(rsa)), kid: "k1" },
        { ...(await exportJWK(p384)), kid: "k1" },
        { kty: "oct", k: "AAAA", kid: "k1" },
      ],
    };
    const verifier = createTokenVerifier(async () => mixed, clock);
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: "ES384", typ: "at+jwt", kid: "k1" })
      .sign(privateKey);
    await assert.rejects(verifier.verify(token), TokenRejectedError);
    await assert.rejects(verifier.verify(await good()), TokenRejectedError);
  });
});
