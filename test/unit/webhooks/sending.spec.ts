/** Signatures, which another library verifies, and the pauses between attempts. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { nextAttempt } from "../../../services/webhooks/deliveries/retries.ts";
import { matcherOf } from "../../../services/webhooks/endpoints/event-patterns.ts";
import { headersOf, signatures } from "../../../services/webhooks/outbound/sign.ts";

describe("The signature of a webhook", () => {
  const verifies = (key: Buffer, body: string, headers: Record<string, string>): boolean => {
    try {
      new Webhook(`whsec_${key.toString("base64")}`).verify(body, headers);
      return true;
    } catch {
      return false;
    }
  };

  it("is good for each of its keys, and for nothing else", () => {
    fc.assert(
      fc.property(fc.json(), fc.uuid(), (body, id) => {
        const [key, former, other] = [randomBytes(32), randomBytes(32), randomBytes(32)];
        const signed = { id, timestamp: Math.floor(Date.now() / 1_000), body };
        const headers = { ...headersOf(signed), "webhook-signature": signatures([key, former], signed) };
        assert.ok(verifies(key, body, headers));
        assert.ok(verifies(former, body, headers));
        assert.ok(!verifies(other, body, headers));
        assert.ok(!verifies(key, `${body} `, headers));
        assert.ok(!verifies(key, body, { ...headers, "webhook-id": `${id}1` }));
      }),
      { numRuns: 50 },
    );
  });
});

describe("Attempts of a delivery", () => {
  const DAYS = 86_400_000;

  it("come for three days with growing pauses, the last at the end", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
        const giveUpAt = 3 * DAYS;
        const times = [0];
        for (;;) {
          const now = times.at(-1) ?? 0;
          const next = nextAttempt({ attempts: times.length, now, giveUpAt, firstMs: 5_000, random });
          if (next === undefined) break;
          assert.ok(next > now);
          times.push(next);
        }
        assert.equal(times.at(-1), giveUpAt);
        assert.ok(times.length >= 10 && times.length <= 18, `${times.length} attempts`);
        assert.ok(times[1] !== undefined && times[1] >= 4_000 && times[1] <= 6_000);
      }),
    );
  });

  it("wait for Retry-After, for 12 hours at most", () => {
    const asked = (retryAfter: string) =>
      nextAttempt({ attempts: 1, now: 0, giveUpAt: 3 * DAYS, firstMs: 5_000, retryAfter, random: 0.5 });
    assert.equal(asked("120"), 120_000);
    assert.equal(asked("999999"), 12 * 3_600_000);
    for (const none of ["1", "-1", "1e9", "Fri, 27 Nov 2026 20:00:00 GMT", ""])
      assert.equal(asked(none), 5_000);
  });
});

describe("Types that an endpoint wants", () => {
  it("are exact, beginnings, or all", () => {
    const wants = matcherOf(["order.paid", "stock.*"]);
    assert.ok(wants("order.paid") && wants("stock.low"));
    for (const type of ["order.paid.late", "order", "stockpile.low", "payment.captured", "stock"])
      assert.ok(!wants(type), type);
    assert.ok(matcherOf(["*"])("anything.at_all"));
  });
});
