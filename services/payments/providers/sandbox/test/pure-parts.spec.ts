import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import "../../../../contracts.ts";
import { newId } from "../../../../../broker/contract/ids.ts";
import { WebhookRejected } from "../../provider.ts";
import { retryDelay } from "../deliveries.ts";
import { payPage } from "../page.ts";
import type { SandboxPayment } from "../sandbox.model.ts";
import { sign, TOLERANCE_S, verify } from "../signature.ts";
import { parseWebhook, webhookBody } from "../webhook-body.ts";

const NOW = Date.parse("2026-03-01T10:00:00.000Z");
const SECRET = "a secret of the sandbox";

const payment = (changes: Partial<SandboxPayment> = {}): SandboxPayment => ({
  _id: "ref-1",
  paymentId: newId(),
  orderNumber: "S-1",
  amount: 2_500,
  currency: "USD",
  status: "pending",
  createdAt: new Date(NOW),
  expiresAt: new Date(NOW + 60_000),
  refunds: [],
  refunded: 0,
  ...changes,
});

describe("the sandbox's signature", () => {
  const body = Buffer.from('{"id":"evt_1"}');
  const rejects = (header: string | undefined, at = NOW, bytes = body) =>
    assert.throws(() => verify(SECRET, bytes, header, at), WebhookRejected);

  it("is the time and an HMAC-SHA256 of time and body", () => {
    const seconds = NOW / 1_000;
    const hex = createHmac("sha256", SECRET).update(`${seconds}.{"id":"evt_1"}`).digest("hex");
    assert.equal(sign(SECRET, body, NOW), `t=${seconds},v1=${hex}`);
    verify(SECRET, body, `t=${seconds},v1=${hex}`, NOW);
  });

  it("fits no other body, secret or time", () => {
    const header = sign(SECRET, body, NOW);
    rejects(header, NOW, Buffer.from('{"id":"evt_2"}'));
    rejects(sign("another secret", body, NOW));
    rejects(header.replace(/t=\d+/, `t=${NOW / 1_000 + 1}`));
  });

  it(`is good for ${TOLERANCE_S} seconds, either way`, () => {
    const header = sign(SECRET, body, NOW);
    for (const seconds of [-TOLERANCE_S, TOLERANCE_S]) verify(SECRET, body, header, NOW + seconds * 1_000);
    for (const seconds of [-TOLERANCE_S - 1, TOLERANCE_S + 1]) rejects(header, NOW + seconds * 1_000);
  });

  it("may have several values, of which one must fit, so that secrets can be rotated", () => {
    const [time, right] = sign(SECRET, body, NOW).split(",");
    const [, wrong] = sign("an old secret", body, NOW).split(",");
    verify(SECRET, body, `${time},${wrong},${right}`, NOW);
    rejects(`${time},${wrong}`);
  });

  it("is refused when it is missing or garbled", () => {
    const hex = sign(SECRET, body, NOW).split("v1=")[1];
    for (const header of [
      undefined,
      "",
      "t=",
      "v1=abc",
      `v1=${hex}`,
      `t=x,v1=${hex}`,
      `t=${NOW / 1_000}`,
      `t=${NOW / 1_000},v1=${hex}00`,
    ])
      rejects(header);
  });
});

describe("the sandbox's webhook", () => {
  const decided = (status: "captured" | "failed" | "expired", changes: object = {}) =>
    payment({
      status,
      decision: { eventId: "evt_1", at: new Date(NOW), receipt: "SBX-1", reason: null, ...changes },
    });

  it("says what was decided, in the same bytes each time", () => {
    const it = decided("captured");
    assert.equal(webhookBody(it), webhookBody(structuredClone(it)));
    assert.deepEqual(parseWebhook(Buffer.from(webhookBody(it))), {
      eventId: "evt_1",
      providerRef: "ref-1",
      paymentId: it.paymentId,
      status: "captured",
      amount: { amount: 2_500, currency: "USD" },
      receipt: "SBX-1",
      reason: null,
      refunds: [],
      occurredAt: new Date(NOW),
    });
  });

  it("reports another amount where that was asked for, and none where nothing was taken", () => {
    assert.equal(
      parseWebhook(Buffer.from(webhookBody(decided("captured", { amount: 1 })))).amount?.amount,
      1,
    );
    for (const status of ["failed", "expired"] as const) {
      const event = parseWebhook(Buffer.from(webhookBody(decided(status))));
      assert.deepEqual([event.status, event.amount], [status, null]);
    }
  });

  it("is refused when it is not what the sandbox sends", () => {
    const body = JSON.parse(webhookBody(decided("captured")));
    for (const bad of [
      "",
      "{",
      "[]",
      JSON.stringify({ ...body, type: "payment.won" }),
      JSON.stringify({ ...body, more: 1 }),
    ])
      assert.throws(() => parseWebhook(Buffer.from(bad)), WebhookRejected);
  });

  it("is tried again after half a second, then ever more slowly, at least once an hour", () => {
    assert.deepEqual([1, 2, 3, 4].map(retryDelay), [500, 1_000, 2_000, 4_000]);
    assert.equal(retryDelay(30), 3_600_000);
  });
});

describe("the sandbox's pay page", () => {
  it("shows amount and order, says that it is a sandbox, and has its ways out in a form", () => {
    const html = payPage(payment(), "pending");
    assert.match(html, /\$25\.00/);
    assert.match(html, /Order S-1/);
    assert.match(html, /Sandbox: no money moves here/);
    for (const outcome of ["succeed", "decline", "expire", "process"])
      assert.match(html, new RegExp(`<button[^>]*name="outcome" value="${outcome}"`));
    assert.match(html, /<form method="post">/);
    assert.doesNotMatch(html, /<script/);
  });

  it("writes amounts in their currency's own unit", () => {
    assert.match(payPage(payment({ amount: 2_500, currency: "JPY" }), "pending"), /¥2,500/);
    assert.match(payPage(payment({ amount: 2_500, currency: "KWD" }), "pending"), /2\.500/);
  });

  it("lets the bank decide while it works on the payment", () => {
    const html = payPage(payment(), "processing");
    assert.match(html, /role="status"/);
    assert.deepEqual(
      [...html.matchAll(/value="(succeed|decline|expire|process)"/g)].map((it) => it[1]),
      ["succeed", "decline"],
    );
  });

  it("offers nothing when the payment is over", () => {
    for (const status of ["captured", "failed", "expired", "cancelled"] as const) {
      const html = payPage(payment(), status);
      assert.doesNotMatch(html, /<button/);
      assert.match(html, /role="status"/);
    }
  });

  it("leads back to the shop: at any time by a link, and by itself when it is over", () => {
    const back = {
      succeeded: "https://shop.example/?orderId=1&outcome=succeeded",
      failed: "https://shop.example/?orderId=1&outcome=failed",
    };
    const pending = payPage(payment({ back }), "pending");
    assert.match(pending, /<a href="https:\/\/shop\.example\/\?orderId=1&amp;outcome=failed">/);
    assert.doesNotMatch(pending, /http-equiv/);
    for (const [status, outcome] of [
      ["captured", "succeeded"],
      ["failed", "failed"],
      ["expired", "failed"],
    ] as const) {
      const html = payPage(payment({ back }), status);
      assert.match(html, new RegExp(`<a href="[^"]*outcome=${outcome}">`));
      assert.match(html, new RegExp(`http-equiv="refresh" content="3; url=[^"]*outcome=${outcome}">`));
    }
    const earlier = payPage(payment(), "captured");
    assert.doesNotMatch(earlier, /<a|http-equiv/);
  });

  it("shows text as text", () => {
    const html = payPage(payment({ orderNumber: `<script>alert("1")</script>&'` }), "pending");
    assert.doesNotMatch(html, /<script/);
    assert.match(html, /&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;/);
  });
});
