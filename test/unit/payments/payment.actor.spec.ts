import assert from "node:assert/strict";
import type { Decision, Outgoing } from "../../../broker/actor/define-actor.ts";
import { checkEnvelope, envelope, type Message } from "../../../broker/bus/envelope.ts";
import type { DataIn } from "../../../broker/contract.ts";
import { newId } from "../../../broker/ids.ts";
import "../../../services/contracts.ts";
import { type PaymentMessage, paymentActor } from "../../../services/payments/payment.actor.ts";
import { UNMATCHED_AFTER_MS } from "../../../services/payments/payment.rows.ts";
import { type Payment, type PaymentState, refunded } from "../../../services/payments/payment.state.ts";

const paymentId = newId();
const orderId = newId();
const START = Date.parse("2026-03-01T10:00:00.000Z");
const usd = (amount: number) => ({ amount, currency: "USD" });

function message<T extends PaymentMessage>(type: T, data: DataIn<T>): Message<T> {
  return envelope(type, paymentId, data, { source: "/test", at: START }) as unknown as Message<T>;
}
const request = () =>
  message("payment.request", {
    orderId,
    orderNumber: "S-1",
    customerId: newId(),
    amount: usd(2_500),
    payment: { provider: "sandbox" },
    expiresAt: new Date(START + 60_000).toISOString(),
  });
const redirect = { type: "redirect", url: "http://127.0.0.1/pay/ref-1" } as const;
const opened = () =>
  message("payment.opened", { providerRef: "ref-1", nextAction: redirect, expiresAt: null });
const notified = (data: Partial<DataIn<"payment.notified">> = {}) =>
  message("payment.notified", {
    provider: "sandbox",
    eventId: newId(),
    providerRef: "ref-1",
    status: "captured",
    amount: usd(2_500),
    receipt: "R-1",
    reason: null,
    ...data,
  });
const cancel = () => message("payment.cancel", { reason: "order cancelled" });
const refund = (amount: number | null, refundId = newId()) =>
  message("payment.refund", { refundId, amount: amount === null ? null : usd(amount), reason: "gift back" });

/** Applies messages in turn, checking what the runtime would check. */
function run(...messages: Message<PaymentMessage>[]) {
  let state: PaymentState | null = null;
  const sent: Outgoing[] = [];
  let last: Decision<PaymentState> = { state: null };
  for (const it of messages) {
    last = paymentActor.receive(state, it);
    state = last.state;
    if (state) paymentActor.state.parse(state);
    for (const out of last.send ?? []) {
      checkEnvelope(envelope(out.type, out.subject, out.data as never, { source: "/payments", at: START }));
      sent.push(out);
    }
  }
  return {
    state,
    get payment(): Payment {
      assert.ok(state && state.status !== "early", "there is a payment");
      return state;
    },
    sent,
    types: sent.map((it) => it.type),
    refusal: last.refusal?.code,
    timers: last.timers ?? [],
    kinds: sent.flatMap((it) => (it.type === "payment.anomaly" ? [it.data.kind] : [])),
  };
}

describe("a payment", () => {
  it("goes from the request over the provider's opening to the capture, telling the order", () => {
    const { payment, sent } = run(request(), opened(), notified());
    assert.equal(payment.status, "captured");
    assert.equal(payment.captured, 2_500);
    assert.equal(payment.receipt, "R-1");
    assert.equal(payment.nextAction, null);
    assert.deepEqual(sent, [
      {
        type: "payment.pending",
        subject: orderId,
        data: { paymentId, provider: "sandbox", nextAction: redirect },
      },
      { type: "payment.captured", subject: orderId, data: { paymentId, amount: usd(2_500) } },
    ]);
  });

  it("comes to the same from every order of request, opening and report", () => {
    const parts = { request: request(), opened: opened(), notified: notified() };
    const orders = [
      ["request", "notified", "opened"],
      ["opened", "request", "notified"],
      ["opened", "notified", "request"],
      ["notified", "request", "opened"],
      ["notified", "opened", "request"],
    ] as const;
    const expected = run(parts.request, parts.opened, parts.notified).payment;
    for (const order of orders) {
      const { payment, types } = run(...order.map((it) => parts[it]));
      assert.deepEqual(payment, expected, order.join(", "));
      assert.equal(types.filter((it) => it === "payment.captured").length, 1, order.join(", "));
    }
  });

  it("never counts a wrong amount or currency as paid, and says so", () => {
    const cases = [
      { data: { amount: usd(2_499) }, kind: "amount_mismatch" },
      { data: { amount: usd(2_501) }, kind: "amount_mismatch" },
      { data: { amount: null }, kind: "amount_mismatch" },
      { data: { amount: { amount: 2_500, currency: "EUR" } }, kind: "currency_mismatch" },
      { data: { provider: "other" }, kind: "unknown_payment" },
      { data: { providerRef: "ref-2" }, kind: "unknown_payment" },
    ];
    for (const { data, kind } of cases) {
      const { payment, kinds, types } = run(request(), opened(), notified(data));
      assert.equal(payment.status, "pending", kind);
      assert.deepEqual(kinds, [kind]);
      assert.ok(!types.includes("payment.captured"));
    }
  });

  it("tells a second capture from an echo of the first", () => {
    assert.deepEqual(run(request(), opened(), notified(), notified()).kinds, []);
    assert.deepEqual(run(request(), opened(), notified(), notified({ receipt: null })).kinds, []);
    assert.deepEqual(run(request(), opened(), notified(), notified({ receipt: "R-2" })).kinds, [
      "double_capture",
    ]);
    assert.deepEqual(run(request(), opened(), notified(), notified({ providerRef: "ref-9" })).kinds, [
      "double_capture",
    ]);
  });

  it("passes on that the provider refused, the customer failed, or time ran out", () => {
    const refused = run(request(), message("payment.refused", { reason: "no such phone" }));
    assert.deepEqual([refused.payment.status, refused.payment.failure], ["failed", "no such phone"]);
    assert.deepEqual(refused.types, ["payment.failed"]);
    const declined = run(
      request(),
      opened(),
      notified({ status: "failed", amount: null, reason: "card_declined" }),
    );
    assert.deepEqual([declined.payment.status, declined.payment.failure], ["failed", "card_declined"]);
    assert.deepEqual(declined.types, ["payment.pending", "payment.failed"]);
    const expired = run(request(), opened(), notified({ status: "expired", amount: null }));
    assert.equal(expired.payment.status, "expired");
    assert.deepEqual(expired.types, ["payment.pending", "payment.expired"]);
    const left = run(request(), opened(), notified({ status: "cancelled", amount: null }));
    assert.equal(left.payment.status, "cancelled");
    assert.deepEqual(left.types, ["payment.pending", "payment.failed"]);
  });

  it("is not undone by late reports", () => {
    for (const status of ["failed", "expired", "cancelled"] as const) {
      const { payment, types } = run(request(), opened(), notified(), notified({ status, amount: null }));
      assert.equal(payment.status, "captured");
      assert.deepEqual(types, ["payment.pending", "payment.captured"]);
    }
  });

  it("is closed at the provider when it is cancelled, also when the opening comes later or first of all", () => {
    const atProvider = (it: ReturnType<typeof run>) =>
      it.sent.filter((one) => one.type === "provider.cancel");
    const expected = [
      {
        type: "provider.cancel",
        subject: paymentId,
        data: { provider: "sandbox", providerRef: "ref-1" },
      },
    ];
    for (const messages of [
      [request(), opened(), cancel()],
      [request(), cancel(), opened()],
      [cancel(), request(), opened()],
      [opened(), cancel(), request()],
      [cancel(), opened(), request()],
    ]) {
      const result = run(...messages);
      assert.equal(result.payment.status, "cancelled");
      assert.deepEqual(atProvider(result), expected, messages.map((it) => it.type).join(", "));
    }
  });

  it("takes a capture after its end as the real money that it is", () => {
    for (const end of [cancel(), notified({ status: "expired", amount: null })]) {
      const { payment, types, kinds } = run(request(), opened(), end, notified());
      assert.equal(payment.status, "captured");
      assert.ok(types.includes("payment.captured"));
      assert.deepEqual(kinds, ["capture_after_end"]);
    }
    const wrong = run(request(), opened(), cancel(), notified({ amount: usd(1) }));
    assert.equal(wrong.payment.status, "cancelled");
    assert.deepEqual(wrong.kinds, ["amount_mismatch"]);
  });

  it("lets a cancel lose to a capture", () => {
    const { payment, types } = run(request(), opened(), notified(), cancel());
    assert.equal(payment.status, "captured");
    assert.ok(!types.includes("provider.cancel"));
  });

  it("is an anomaly when nobody asks for it in time, and still counts when somebody does", () => {
    const report = notified();
    const early = run(report);
    assert.equal(early.state?.status, "early");
    const [timer] = early.timers;
    assert.ok(timer && "set" in timer);
    assert.equal(timer.due, START + UNMATCHED_AFTER_MS);
    const unmatched = message("payment.unmatched", {});
    const told = run(report, unmatched, unmatched);
    assert.deepEqual(told.kinds, ["unknown_payment"]);
    assert.equal(told.sent[0]?.type === "payment.anomaly" && told.sent[0].data.id, report.id);
    assert.equal(run(report, unmatched, request()).payment.status, "captured");
  });

  it("keeps a message that overtook the request once", () => {
    const report = notified();
    const { state } = run(report, report, opened());
    assert.ok(state?.status === "early");
    assert.equal(state.kept.length, 2);
  });
});

describe("a refund", () => {
  const succeeded = (refundId: string) => message("provider.refunded", { refundId });
  const failed = (refundId: string) => message("provider.refund_failed", { refundId, reason: "closed" });
  const paid = () => [request(), opened(), notified()];

  it("gives back a part, then the rest, and tells the order which", () => {
    const [first, second] = [newId(), newId()];
    const partly = run(...paid(), refund(1_000, first), succeeded(first));
    assert.equal(partly.payment.status, "partially_refunded");
    const { payment, sent } = run(
      ...paid(),
      refund(1_000, first),
      succeeded(first),
      refund(null, second),
      succeeded(second),
    );
    assert.equal(payment.status, "refunded");
    assert.equal(refunded(payment), 2_500);
    assert.deepEqual(
      sent.filter((it) => it.type === "payment.refunded").map((it) => it.data),
      [
        { paymentId, refundId: first, amount: usd(1_000), full: false },
        { paymentId, refundId: second, amount: usd(1_500), full: true },
      ],
    );
    assert.deepEqual(
      sent.filter((it) => it.type === "provider.refund").map((it) => it.data.amount),
      [usd(1_000), usd(1_500)],
    );
  });

  it("is refused above what is left, counting refunds on their way", () => {
    assert.equal(run(...paid(), refund(2_501)).refusal, "REFUND_TOO_LARGE");
    assert.equal(run(...paid(), refund(2_000), refund(501)).refusal, "REFUND_TOO_LARGE");
    assert.equal(run(...paid(), refund(2_500), refund(null)).refusal, "PAYMENT_NOT_REFUNDABLE");
    const euro = message("payment.refund", {
      refundId: newId(),
      amount: { amount: 1, currency: "EUR" },
      reason: "x",
    });
    assert.equal(run(...paid(), euro).refusal, "REFUND_TOO_LARGE");
  });

  it("is refused where nothing was captured", () => {
    for (const before of [[request()], [request(), opened()], [request(), opened(), cancel()]])
      assert.equal(run(...before, refund(null)).refusal, "PAYMENT_NOT_REFUNDABLE");
  });

  it("is the same refund under the same id", () => {
    const id = newId();
    const { payment, types } = run(...paid(), refund(500, id), refund(500, id), succeeded(id), succeeded(id));
    assert.equal(refunded(payment), 500);
    assert.equal(types.filter((it) => it === "provider.refund").length, 1);
    assert.equal(types.filter((it) => it === "payment.refunded").length, 1);
  });

  it("that the provider would not do leaves the money refundable and staff informed", () => {
    const id = newId();
    const { payment, kinds } = run(...paid(), refund(null, id), failed(id));
    assert.equal(payment.status, "captured");
    assert.deepEqual(kinds, ["refund_failed"]);
    assert.equal(run(...paid(), refund(null, id), failed(id), refund(null)).refusal, undefined);
  });

  it("that succeeds after it was called failed counts, unless that would be more than was taken", () => {
    const [first, second] = [newId(), newId()];
    assert.equal(
      run(...paid(), refund(null, first), failed(first), succeeded(first)).payment.status,
      "refunded",
    );
    const { payment, kinds } = run(
      ...paid(),
      refund(null, first),
      failed(first),
      refund(null, second),
      succeeded(second),
      succeeded(first),
    );
    assert.equal(refunded(payment), 2_500);
    assert.deepEqual(kinds, ["refund_failed", "refund_excess"]);
  });

  it("of all that is left is confirmed when all is given back already", () => {
    const [first, second] = [newId(), newId()];
    const { sent, refusal } = run(
      ...paid(),
      refund(null, first),
      succeeded(first),
      refund(null, second),
      refund(null, second),
    );
    assert.equal(refusal, undefined);
    assert.deepEqual(
      sent.filter((it) => it.type === "payment.refunded").map((it) => it.data),
      [
        { paymentId, refundId: first, amount: usd(2_500), full: true },
        { paymentId, refundId: second, amount: usd(0), full: true },
      ],
    );
    assert.equal(
      run(...paid(), refund(null, first), succeeded(first), refund(1)).refusal,
      "PAYMENT_NOT_REFUNDABLE",
    );
  });
});
