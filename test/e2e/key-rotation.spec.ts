/** Keys of access tokens follow one another while people use the shop, and nobody is signed out. */
import assert from "node:assert/strict";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { signingKeyModel } from "../../services/users/models/signing-key.model.ts";
import { OVERLAP_MS, rotateSigningKey } from "../../services/users/sessions/signing-keys.ts";
import { movableClock } from "../../souk/testing/movable-clock.ts";
import { type Person, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";

const MINUTE = 60_000;

describe("a new key for access tokens", () => {
  const clock = movableClock();
  let shop: Shop;
  before(async function () {
    this.timeout(30_000);
    shop = await startShop({ clock });
  });
  after(() => shop?.stop());

  const published = async () => {
    const reply = await fetch(`${shop.url}/.well-known/jwks.json`);
    assert.equal(reply.status, 200);
    return { reply, jwks: (await reply.json()) as JSONWebKeySet };
  };
  const kids = async () => (await published()).jwks.keys.map((it) => it.kid);
  const rotate = () => rotateSigningKey(signingKeyModel.bind(shop.node.runtime.database("users")), clock);

  it("is published where everybody verifies tokens, with no private part, and may be cached", async () => {
    const { reply, jwks } = await published();
    assert.equal(reply.headers.get("cache-control"), "public, max-age=300");
    assert.ok(jwks.keys.every((it) => it.kid && it.alg === "ES256" && it.use === "sig" && !("d" in it)));
    const { accessToken, id } = await signUp(shop.http);
    const { payload } = await jwtVerify(accessToken, createLocalJWKSet(jwks), {
      issuer: "souk",
      audience: "souk-api",
      currentDate: new Date(clock.now()),
    });
    assert.equal(payload.sub, id);
    const again = await fetch(`${shop.url}/.well-known/jwks.json`, {
      headers: { "if-none-match": reply.headers.get("etag") ?? "" },
    });
    assert.equal(again.status, 304);
  });

  it("signs out nobody, while people go on with requests", async () => {
    const [first] = await kids();
    const people = await Promise.all([1, 2, 3].map(() => signUp(shop.http)));
    let asked = 0;
    const goOn = async (person: Person) => {
      assert.equal((await person.http.request("GET", "/users/me")).status, 200);
      asked++;
    };
    const renewed = async ({ refreshToken }: Person): Promise<Person> => {
      const tokens = await shop.http.expect<Person>(200, "POST", "/auth/refresh", { body: { refreshToken } });
      return { ...tokens, http: shop.http.as(tokens.accessToken) };
    };
    await rotate();
    await assert.rejects(rotate(), /signs from .* on already/);
    const signers = new Set<string | undefined>();
    for (let passed = 0; passed <= 2 * OVERLAP_MS + 20 * MINUTE; passed += 5 * MINUTE) {
      clock.advance(5 * MINUTE);
      await Promise.all(people.map(goOn));
      if (passed % (10 * MINUTE) === 0)
        for (const [n, person] of people.entries()) people[n] = await renewed(person);
      for (const { accessToken } of people) signers.add(decodeProtectedHeader(accessToken).kid);
      await Promise.all(people.map(goOn));
    }
    assert.ok(asked > 100);
    const [second, ...others] = await kids();
    assert.notEqual(second, first);
    assert.deepEqual(others, [], "the old key is gone after its last token");
    assert.deepEqual([...signers], [first, second]);
  });
});
