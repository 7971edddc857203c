import assert from "node:assert/strict";
import fc from "fast-check";
import { newId } from "../../../broker/contract/ids.ts";
import { sameSecret } from "../../../broker/contract/secrets/same-secret.ts";
import {
  formatRefreshToken,
  hashToken,
  newSecret,
  newVerifier,
  parseRefreshToken,
  successor,
} from "../../../services/users/sessions/refresh-token.ts";

const made = () => ({ sessionId: newId(), verifier: newVerifier(), secret: newSecret() });

describe("refresh tokens", () => {
  it("go through their text unchanged", () => {
    for (let i = 0; i < 50; i++) {
      const token = made();
      assert.deepEqual(parseRefreshToken(formatRefreshToken(token)), token);
    }
  });

  it("are nothing when they are any other text", () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => parseRefreshToken(text) === undefined));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64url");
        const token = parseRefreshToken(text);
        assert.ok(token === undefined || formatRefreshToken(token) === text);
      }),
    );
  });

  it("have one successor per salt, which leads to neither of them", () => {
    const { secret } = made();
    const next = successor(secret, "salt");
    assert.deepEqual(next, successor(secret, "salt"));
    assert.notDeepEqual(next, successor(secret, "other"));
    assert.notDeepEqual(next, successor(newSecret(), "salt"));
    assert.equal(next.length, secret.length);
  });

  it("are compared by hash", () => {
    assert.ok(sameSecret(hashToken("a"), hashToken("a")));
    assert.ok(!sameSecret(hashToken("a"), hashToken("b")));
    assert.ok(!sameSecret(hashToken("a"), "short"));
  });
});
