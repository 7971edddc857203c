import assert from "node:assert/strict";
import { given } from "../../../broker/actor/testing/given.ts";
import { message as messageTo } from "../../../broker/actor/testing/steps.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import "../../../services/contracts.ts";
import { UNMATCHED_AFTER_MS } from "../../../services/payments/payment/before-request.ts";
import { createPaymentActor, type PaymentMessage } from "../../../services/payments/payment/payment.actor.ts";
import { type Payment, paymentState, refunded } from "../../../services/payments/payment/state.ts";
import { paymentActor, schedule } from "../../support/providers/payment-actor.ts";

type RefundReport = NonNullable<DataIn<"payment.report">["refunds"]>[number];

const paymentId = newId();
const orderId = newId();
const START = Date.parse("2026-03-01T10:00:00.000Z");
const bookedAt = new Date(START).toISOString();
const usd = (amount: number) => ({ amount, currency: "USD" });

const message = <T extends PaymentMessage>(type: T, data: DataIn<T>): Message<T> =>
  messageTo(type, paymentId, data, START);
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
const notified = (data: Partial<DataIn<"payment.report">> = {}) =>
  message("payment.report", {
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

/** What becomes of a payment by these messages. */
function run(...messages: Message<PaymentMessage>[]) {
  const {
    state,
    sends: sent,
    timers,
    refusal,
  } = given(paymentActor, null, { id: paymentId }).when(...messages);
  return {
    state,
    get payment(): Payment {
      assert.ok(state && state.status !== "early", "there is a payment");
      return state;
    },
    sent,
    types: sent.map((it) => it.type).filter((it) => it !== "ledger.book"),
    /** What went into the ledger. */
    booked: sent.flatMap((it) => (it.type === "ledger.book" ? [[it.data.kind, it.data.amount.amount]] : [])),
    refusal,
    timers,
    kinds: sent.flatMap((it) => (it.type === "payment.anomaly" ? [it.data.kind] : [])),
  };
}

describe("a payment", () => {
  it("goes from the request over the provider's opening to the capture, telling the order", () => {
    const { payment, sent, booked } = run(request(), opened(), notified());
    assert.equal(payment.status, "captured");
    assert.equal(payment.captured, 2_500);
    assert.equal(payment.receipt, "R-1");
    assert.equal(payment.nextAction, null);
    assert.deepEqual(booked, [["capture", 2_500]]);
    assert.deepEqual(sent.slice(0, 2), [
      {
        type: "payment.pending",
        subject: orderId,
        data: { paymentId, provider: "sandbox", nextAction: redirect },
      },
      { type: "payment.captured", subject: orderId, data: { paymentId, amount: usd(2_500), bookedAt } },
    ]);
  });

  it("keeps the customer's address until it is open, or never will be", () => {
    const asked = () => ({ ...request(), data: { ...request().data, email: "ann@example.com" } });
    const failed = message("payment.open_failed", { trouble: "unreachable", reason: "no" });
    const again = run(asked(), failed, message("payment.open", {}));
    assert.equal(again.payment.email, "ann@example.com");
    const sent = again.sent.at(-1);
    assert.equal(sent?.type === "provider.open" && sent.data.email, "ann@example.com");
    for (const end of [opened(), message("payment.refused", { reason: "no" }), cancel(), notified()])
      assert.ok(!("email" in run(asked(), end).payment), end.type);
  });

  it("learns from its provider's worker what it is found by, whatever becomes of it", () => {
    const foundBy = ["phone:254722000111"];
    for (const told of [
      message("payment.opened", { providerRef: "ref-1", nextAction: null, expiresAt: null, foundBy }),
      message("payment.refused", { reason: "no", foundBy }),
      message("payment.open_failed", { trouble: "unreachable", reason: "no", foundBy }),
    ]) {
      assert.deepEqual(run(request(), told).payment.foundBy, foundBy, told.type);
      assert.deepEqual(run(told, request()).payment.foundBy, foundBy, told.type);
    }
    assert.ok(!("foundBy" in run(request(), opened()).payment));
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

  it("counts what is owed, and the provider's fee on top as the provider's", () => {
    const withFee = (more: object = {}) => notified({ amount: usd(2_571), fee: usd(71), ...more });
    const { payment, booked, kinds, sent } = run(request(), opened(), withFee(), withFee());
    assert.deepEqual([payment.status, payment.captured, payment.fee, kinds], ["captured", 2_500, 71, []]);
    assert.deepEqual(booked, [["capture", 2_500]]);
    const fees = sent.flatMap((it) => (it.type === "ledger.book" ? [it.data.fee] : []));
    assert.deepEqual(fees, [71]);
    const told = sent.flatMap((it) => (it.type === "payment.captured" ? [it.data.amount] : []));
    assert.deepEqual(told, [usd(2_500)]);
    const held = run(request(), opened(), withFee({ status: "authorized", receipt: null }));
    assert.equal(held.payment.status, "authorized");
    assert.deepEqual(held.sent.at(-1)?.type, "provider.capture");
  });

  it("never counts a fee that is not declared, or does not fit", () => {
    for (const data of [
      { amount: usd(2_571) },
      { amount: usd(2_571), fee: usd(70) },
      { amount: usd(2_571), fee: { amount: 71, currency: "EUR" } },
      { amount: usd(2_571), fee: usd(71), asked: usd(2_400) },
      { amount: usd(71), fee: usd(71) },
    ]) {
      const { payment, kinds, types } = run(request(), opened(), notified(data));
      assert.deepEqual([payment.status, payment.captured, payment.fee], ["pending", 0, 0]);
      assert.deepEqual(kinds, ["amount_mismatch"]);
      assert.ok(!types.includes("payment.captured"));
    }
  });

  it("refunds what the shop has and not the fee, also of a second capture", () => {
    const withFee = (more: object = {}) => notified({ amount: usd(2_571), fee: usd(71), ...more });
    const paid = [request(), opened(), withFee()];
    assert.equal(run(...paid, refund(2_501)).refusal, "REFUND_TOO_LARGE");
    const all = run(...paid, refund(null)).sent.at(-1);
    assert.deepEqual(all?.type === "provider.refund" && all.data.amount, usd(2_500));
    const twice = run(...paid, withFee({ receipt: "R-2" }));
    assert.deepEqual(twice.booked.slice(1), [["duplicate_capture", 2_500]]);
    const back = twice.sent.at(-1);
    assert.deepEqual(back?.type === "provider.refund" && back.data.amount, usd(2_500));
  });

  it("counts what was the shop's where somebody has refunded the fee too, and staff hear of it", () => {
    const gross = (amount: number) =>
      notified({
        status: "refunded",
        amount: usd(2_571),
        fee: usd(71),
        refunds: [
          { refundId: null, refundRef: "re-1", amount: usd(amount), status: "succeeded", reason: null },
        ],
      });
    const paid = [request(), opened(), notified({ amount: usd(2_571), fee: usd(71) })];
    const all = run(...paid, gross(2_571), gross(2_571));
    assert.deepEqual(
      [all.payment.status, refunded(all.payment), all.kinds],
      ["refunded", 2_500, ["refund_excess"]],
    );
    const more = run(...paid, gross(2_572));
    assert.deepEqual([refunded(more.payment), more.kinds], [0, ["refund_excess"]]);
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
      assert.deepEqual(types, ["payment.pending", "payment.captured", "provider.check"], "it is looked into");
    }
  });

  it("that the provider says is gone again is told and booked, once, where that is its answer", () => {
    const gone = (more: object = {}) =>
      notified({ status: "cancelled", amount: null, receipt: null, ...more });
    const asked = run(request(), opened(), notified(), gone());
    assert.deepEqual(asked.kinds, []);
    assert.deepEqual(asked.sent.at(-1)?.data, {
      provider: "sandbox",
      providerRef: "ref-1",
      receipt: null,
      settles: true,
      urgent: true,
    });
    const answer = gone({ settles: true });
    const { payment, kinds, booked } = run(request(), opened(), notified(), gone(), answer, answer);
    assert.deepEqual([payment.status, payment.disputed, kinds], ["captured", true, ["voided"]]);
    assert.deepEqual(booked.slice(1), [["dispute", 2_500]]);
    const id = newId();
    const ours = run(request(), opened(), notified(), refund(null, id), answer);
    assert.deepEqual([ours.kinds, ours.booked.length], [[], 1], "our refund explains it");
    const other = run(request(), opened(), notified(), gone({ settles: true, providerRef: "ref-9" }));
    assert.deepEqual(other.kinds, []);
  });

  it("asks how much it was where a report tells only what followed, and for refunds that are not named", () => {
    const check = { provider: "sandbox", providerRef: "ref-1", settles: true, urgent: true };
    const refunds = [
      { refundId: null, refundRef: "re-1", amount: usd(500), status: "succeeded", reason: null } as const,
    ];
    const overtook = notified({ status: "partially_refunded", amount: null, refunds });
    const early = run(request(), opened(), overtook);
    assert.deepEqual([early.payment.captured, early.sent.at(-1)?.data], [0, { ...check, receipt: "R-1" }]);
    const unnamed = () => notified({ status: "partially_refunded" });
    for (const before of [[], [notified()]]) {
      const { payment, sent } = run(request(), opened(), ...before, unnamed());
      assert.equal(payment.captured, 2_500);
      assert.deepEqual(
        sent.filter((it) => it.type === "provider.check").map((it) => it.data),
        [{ ...check, receipt: null }],
      );
    }
    const answered = run(request(), opened(), unnamed(), notified({ status: "refunded", settles: true }));
    assert.equal(answered.types.filter((it) => it === "provider.check").length, 1, "it does not go round");
    const never = run(request(), opened(), { ...overtook, data: { ...overtook.data, settles: true } });
    assert.deepEqual(never.kinds, ["amount_mismatch"]);
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
    assert.equal(run(report, unmatched, request()).payment.status, "captured");
  });

  it("takes the money that a customer has agreed to, once, and never another amount", () => {
    const authorized = () => notified({ status: "authorized", receipt: null });
    const agreed = run(request(), opened(), authorized(), authorized());
    assert.equal(agreed.payment.status, "authorized");
    assert.deepEqual(
      agreed.sent.filter((it) => it.type === "provider.capture").map((it) => it.data),
      [{ provider: "sandbox", providerRef: "ref-1", amount: usd(2_500) }],
    );
    assert.equal(run(request(), opened(), authorized(), notified()).payment.status, "captured");
    assert.equal(run(request(), authorized(), opened(), notified()).payment.status, "captured");
    const wrong = run(request(), opened(), notified({ status: "authorized", amount: usd(1) }));
    assert.deepEqual([wrong.payment.status, wrong.kinds], ["pending", ["amount_mismatch"]]);
    assert.ok(!wrong.types.includes("provider.capture"));
    const unwanted = run(request(), opened(), cancel(), authorized());
    assert.equal(unwanted.types.filter((it) => it === "provider.cancel").length, 2);
  });

  it("may be tried again at the provider after a failure", () => {
    const { payment, types } = run(
      request(),
      opened(),
      notified({ status: "failed", amount: null }),
      notified(),
    );
    assert.equal(payment.status, "captured");
    assert.deepEqual(types, ["payment.pending", "payment.failed", "payment.captured"]);
  });

  describe("whose bank is slow", () => {
    const DAY = 86_400_000;
    const onItsWay = (data: Partial<DataIn<"payment.report">> = {}) =>
      notified({ status: "processing", amount: null, receipt: null, ...data });
    const ended = (status: "failed" | "cancelled" | "expired" | "pending", settles = true) =>
      notified({ status, amount: null, receipt: null, reason: "no funds", settles });
    const told = (it: ReturnType<typeof run>) =>
      it.sent.flatMap((one) => (one.type === "payment.processing" ? [one.data] : []));
    const untilOf = (days: number) => new Date(START + days * DAY).toISOString();

    it("tells the order until when money may come, once, however often it is reported", () => {
      for (const before of [[request(), opened()], [request()], [opened(), request()]]) {
        const it = run(...before, onItsWay(), onItsWay());
        assert.deepEqual([it.payment.status, it.payment.nextAction], ["processing", null]);
        assert.deepEqual(told(it), [{ paymentId, provider: "sandbox", until: untilOf(14), round: 1 }]);
      }
      const early = run(onItsWay(), request());
      assert.equal(early.payment.status, "processing");
      const ofIts = run(request(), opened(), onItsWay({ processingMs: 2 * DAY }));
      assert.deepEqual(
        told(ofIts).map((it) => it.until),
        [untilOf(2)],
      );
      const other = run(request(), opened(), onItsWay({ providerRef: "ref-2" }));
      assert.equal(other.payment.status, "pending");
    });

    it("is captured when the money comes, and nothing undoes that", () => {
      const { payment, types } = run(request(), opened(), onItsWay(), notified(), onItsWay());
      assert.deepEqual(
        [payment.status, payment.captured, payment.processingUntil],
        ["captured", 2_500, null],
      );
      assert.deepEqual(types, ["payment.pending", "payment.processing", "payment.captured"]);
      assert.equal(run(request(), opened(), notified(), onItsWay()).payment.status, "captured");
    });

    it("is captured by us where the review ends well", () => {
      const agreed = notified({ status: "authorized", receipt: null });
      const { payment, types } = run(request(), opened(), onItsWay(), agreed);
      assert.equal(payment.status, "authorized");
      assert.ok(types.includes("provider.capture"));
      // A capture that takes days.
      assert.equal(run(request(), opened(), agreed, onItsWay()).payment.status, "processing");
    });

    it("has failed only where the provider says so itself: a report may be older than the money on its way", () => {
      for (const status of ["failed", "cancelled", "expired", "pending"] as const) {
        const asked = run(request(), opened(), onItsWay(), ended(status, false));
        assert.equal(asked.payment.status, "processing", status);
        assert.deepEqual(asked.sent.at(-1)?.type, "provider.check");
        const answered = run(request(), opened(), onItsWay(), ended(status, false), ended(status));
        assert.equal(answered.payment.status, status === "pending" ? "failed" : status);
        assert.deepEqual(
          answered.sent.flatMap((it) =>
            it.type === "payment.failed" || it.type === "payment.expired" ? [it.data.round] : [],
          ),
          [1],
        );
      }
    });

    it("can be tried again at the provider, which is another round", () => {
      const again = run(request(), opened(), onItsWay(), ended("failed"), onItsWay());
      assert.deepEqual(
        told(again).map((it) => it.round),
        [1, 2],
      );
      const declinedFirst = run(
        request(),
        opened(),
        notified({ status: "failed", amount: null }),
        onItsWay(),
      );
      assert.equal(declinedFirst.payment.status, "processing");
    });

    it("is called off at the provider where the order is over, and what comes all the same is told", () => {
      for (const messages of [
        [request(), opened(), onItsWay(), cancel()],
        [request(), opened(), cancel(), onItsWay()],
      ]) {
        const { payment, types } = run(...messages);
        assert.equal(payment.status, "cancelled");
        assert.ok(types.includes("provider.cancel"));
        assert.equal(payment.processingUntil, untilOf(14), "it is still watched");
        const { types: late, kinds } = run(...messages, notified());
        assert.ok(late.includes("payment.captured"));
        assert.deepEqual(kinds, ["capture_after_end"]);
      }
      const news = run(request(), opened(), cancel(), onItsWay(), onItsWay());
      assert.equal(news.types.filter((it) => it === "provider.cancel").length, 2, "once for each");
      assert.ok(!news.types.includes("payment.processing"));
    });

    it("is asked about as long as that may take, ever more slowly, and then expires", () => {
      const check = (last = false) => message("payment.check", { last });
      const waits: number[] = [];
      for (let checks = 0; checks < 16; checks++) {
        const it = run(
          request(),
          opened(),
          check(),
          check(),
          onItsWay(),
          ...Array.from({ length: checks }, () => check()),
        );
        const timer = it.timers.findLast((one) => "set" in one && one.set === "check");
        assert.ok(timer && "set" in timer);
        waits.push((timer.due - START) / 1_000);
      }
      assert.deepEqual(waits.slice(0, 6), [10, 30, 60, 120, 240, 480]);
      assert.deepEqual(waits.slice(-4), [21_600, 21_600, 21_600, 21_600]);
      const last = run(request(), opened(), onItsWay(), check(true));
      assert.equal(last.payment.status, "expired");
      assert.deepEqual(last.types.slice(-2), ["provider.cancel", "payment.expired"]);
    });

    it("stops being asked about when its time and the grace are over", () => {
      const after = START + 14 * DAY + schedule.graceMs - 1;
      const { state } = run(request(), opened(), onItsWay());
      const asked = paymentActor.receive(
        state,
        messageTo("payment.check", paymentId, { last: false }, after),
      );
      assert.deepEqual(
        asked.timers?.map((it) => "set" in it && [it.message.data, it.due]),
        [[{ last: true }, START + 14 * DAY + schedule.graceMs]],
      );
    });

    it("gives nothing back, because nothing was taken", () => {
      assert.equal(run(request(), opened(), onItsWay(), refund(null)).refusal, "PAYMENT_NOT_REFUNDABLE");
    });

    it("is as it was where it is from before this was known", () => {
      const { state } = run(request(), opened());
      assert.ok(state && state.status !== "early");
      const { processingUntil: _, rounds: __, ...before } = state;
      assert.deepEqual(paymentState.parse(before), state);
    });
  });

  it("tells an anomaly once, however often the provider repeats it", () => {
    const wrong = () => notified({ amount: usd(1) });
    const { kinds, booked } = run(request(), opened(), wrong(), wrong(), cancel(), wrong());
    assert.deepEqual(kinds, ["amount_mismatch"]);
    assert.deepEqual(booked, [["duplicate_capture", 1]]);
  });

  it("gives a second capture back by itself, where its receipt is told", () => {
    const twice = run(request(), opened(), notified(), notified({ receipt: "R-2" }));
    const refundId = twice.payment.duplicateCaptures[0]?.refundId ?? "";
    assert.deepEqual(
      twice.sent.filter((it) => it.type === "provider.refund").map((it) => [it.data.receipt, it.data.amount]),
      [["R-2", usd(2_500)]],
    );
    const back = run(
      request(),
      opened(),
      notified(),
      notified({ receipt: "R-2" }),
      message("provider.refunded", { refundId }),
      notified({ receipt: "R-2" }),
    );
    assert.deepEqual([back.payment.status, back.payment.captured], ["captured", 2_500]);
    assert.deepEqual(back.booked, [
      ["capture", 2_500],
      ["duplicate_capture", 2_500],
      ["duplicate_capture_refund", 2_500],
    ]);
  });

  it("that is disputed stays as it is, and staff hear of it once", () => {
    const { payment, kinds, booked, types } = run(
      request(),
      opened(),
      notified(),
      notified({ status: "disputed" }),
      notified({ status: "disputed" }),
    );
    assert.deepEqual([payment.status, payment.disputed, kinds], ["captured", true, ["disputed"]]);
    assert.deepEqual(booked.at(-1), ["dispute", 2_500]);
    assert.equal(types.filter((it) => it !== "payment.anomaly").length, 2, "the order hears nothing");
    assert.equal(run(request(), opened(), notified({ status: "disputed" })).payment.captured, 2_500);
    const left = run(request(), opened(), notified(), notified({ status: "disputed", amount: null }));
    assert.deepEqual([left.payment.disputed, left.booked.at(-1)], [true, ["dispute", 2_500]]);
  });

  it("that is disputed after a part was given back loses the rest", () => {
    const id = newId();
    const disputed = notified({ status: "disputed" });
    const succeeded = message("provider.refunded", { refundId: id, refundRef: "re-1" });
    const partly = run(request(), opened(), notified(), refund(1_000, id), succeeded, disputed);
    assert.deepEqual(partly.booked.slice(1), [
      ["refund", 1_000],
      ["dispute", 1_500],
    ]);
    const whole = run(request(), opened(), notified(), refund(null, id), succeeded, disputed);
    assert.deepEqual([whole.booked.length, whole.kinds], [2, ["disputed"]], "nothing was left to take");
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
        { paymentId, refundId: first, amount: usd(1_000), full: false, bookedAt },
        { paymentId, refundId: second, amount: usd(1_500), full: true, bookedAt },
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

  const told = (refundRef: string, changes: Partial<RefundReport> = {}) =>
    notified({
      status: "partially_refunded",
      refunds: [
        { refundId: null, refundRef, amount: usd(500), status: "succeeded", reason: null, ...changes },
      ],
    });

  it("made at the provider counts like one of ours, once", () => {
    const { payment, sent, booked } = run(...paid(), told("re-1"), told("re-1"));
    assert.deepEqual([payment.status, refunded(payment)], ["partially_refunded", 500]);
    assert.equal(payment.refunds[0]?.origin, "provider");
    assert.equal(sent.filter((it) => it.type === "payment.refunded").length, 1);
    assert.deepEqual(booked.at(-1), ["refund", 500]);
    assert.equal(run(...paid(), told("re-1"), refund(2_001)).refusal, "REFUND_TOO_LARGE");
    const tooMuch = run(...paid(), refund(null), told("re-1"), told("re-1"));
    assert.deepEqual(tooMuch.kinds, ["refund_excess"]);
  });

  it("that the provider does not call ours is still ours while it is on its way", () => {
    const id = newId();
    for (const messages of [
      [told("re-1"), message("provider.refunded", { refundId: id, refundRef: "re-1" })],
      [message("provider.refund_pending", { refundId: id, refundRef: "re-1" }), told("re-1")],
      [message("provider.refunded", { refundId: id, refundRef: "re-1" }), told("re-1")],
    ]) {
      const { payment, sent } = run(...paid(), refund(500, id), ...messages);
      assert.equal(refunded(payment), 500);
      assert.equal(payment.refunds.length, 1);
      assert.equal(sent.filter((it) => it.type === "payment.refunded").length, 1);
    }
    const both = run(
      ...paid(),
      refund(500, id),
      told("re-of-somebody"),
      message("provider.refunded", { refundId: id, refundRef: "re-1" }),
    );
    assert.equal(refunded(both.payment), 1_000, "it was another one after all");
  });

  it("of equal amounts are told apart in the end", () => {
    const [first, second] = [newId(), newId()];
    const { payment, sent } = run(
      ...paid(),
      refund(500, first),
      refund(500, second),
      told("re-2"),
      message("provider.refunded", { refundId: second, refundRef: "re-2" }),
      message("provider.refunded", { refundId: first, refundRef: "re-1" }),
    );
    assert.deepEqual(
      payment.refunds.map((it) => [it.id, it.refundRef, it.status]),
      [
        [first, "re-1", "succeeded"],
        [second, "re-2", "succeeded"],
      ],
    );
    assert.equal(sent.filter((it) => it.type === "payment.refunded").length, 2);
  });

  it("that is pending at the provider ends when it reports", () => {
    const id = newId();
    const pending = message("provider.refund_pending", { refundId: id, refundRef: "re-1" });
    const waiting = run(...paid(), refund(500, id), pending);
    assert.deepEqual([waiting.payment.status, waiting.payment.refunds[0]?.status], ["captured", "pending"]);
    assert.equal(run(...paid(), refund(500, id), pending, told("re-1")).payment.status, "partially_refunded");
    const bounced = run(...paid(), refund(500, id), pending, told("re-1", { status: "failed" }));
    assert.deepEqual([bounced.payment.status, bounced.kinds], ["captured", ["refund_failed"]]);
    assert.ok(bounced.types.includes("provider.check"), "what had no room beside it may have some now");
  });

  it("that comes back later is staff's: the order was told, the money waits in the ledger", () => {
    const id = newId();
    const { payment, kinds, booked } = run(
      ...paid(),
      refund(500, id),
      message("provider.refunded", { refundId: id, refundRef: "re-1" }),
      told("re-1", { status: "failed" }),
      told("re-1", { status: "failed" }),
    );
    assert.deepEqual([payment.status, kinds], ["partially_refunded", ["refund_failed"]]);
    assert.deepEqual(booked.slice(1), [
      ["refund", 500],
      ["refund_returned", 500],
    ]);
  });

  it("that was never made brings nothing back of one that was made at the provider in the meantime", () => {
    const id = newId();
    const elsewhere = [...paid(), refund(500, id), told("re-of-somebody")];
    for (const refundRef of [null, "re-1"]) {
      const end = message("provider.refund_failed", { refundId: id, refundRef, reason: "no balance" });
      const { payment, kinds, booked } = run(...elsewhere, end);
      assert.deepEqual([refunded(payment), kinds, booked.length], [500, [], 2], `${refundRef}`);
    }
    const report = told("re-1", { refundId: id, status: "failed" });
    assert.deepEqual(run(...elsewhere, report).kinds, []);
    const same = message("provider.refund_failed", {
      refundId: id,
      refundRef: "re-of-somebody",
      reason: "x",
    });
    assert.deepEqual(run(...elsewhere, same).booked.at(-1), ["refund_returned", 500]);
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
        { paymentId, refundId: first, amount: usd(2_500), full: true, bookedAt },
        { paymentId, refundId: second, amount: usd(0), full: true, bookedAt },
      ],
    );
    assert.equal(
      run(...paid(), refund(null, first), succeeded(first), refund(1)).refusal,
      "PAYMENT_NOT_REFUNDABLE",
    );
  });
});

describe("a payment by itself", () => {
  const timer = (it: ReturnType<typeof run>, id: string) =>
    it.timers.findLast((one) => ("set" in one ? one.set : one.cancel) === id);
  const due = (it: ReturnType<typeof run>, id: string) => {
    const found = timer(it, id);
    return found && "set" in found ? found.due - START : undefined;
  };
  const check = (last = false) => message("payment.check", { last });
  const unopened = (trouble: "misconfigured" | "unreachable") =>
    message("payment.open_failed", { trouble, reason: "no such key" });

  it("asks its provider after 10 s, 30 s, 1 min, 2 min and so on, at most an hour apart", () => {
    const waits: (number | undefined)[] = [];
    for (let checks = 0; checks < 12; checks++)
      waits.push(due(run(request(), opened(), ...Array.from({ length: checks }, () => check())), "check"));
    const seconds = [10, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600, 3_600];
    assert.deepEqual(
      waits,
      seconds.map((it) => it * 1_000),
    );
    assert.deepEqual(
      run(request(), opened(), check()).sent.at(-1)?.type,
      "provider.check",
      "what it sends when the time has come",
    );
  });

  it("stops asking when the provider has told the end", () => {
    const over = timer(run(request(), opened(), notified()), "check");
    assert.deepEqual(over, { cancel: "check" });
    assert.deepEqual(run(request(), opened(), notified(), check()).types.includes("provider.check"), false);
  });

  it("goes on asking after a failure and a cancel, until the provider says that it is over", () => {
    for (const end of [notified({ status: "failed", amount: null }), cancel()])
      assert.ok(run(request(), opened(), end, check()).types.includes("provider.check"));
    const closed = run(request(), opened(), cancel(), notified({ status: "cancelled", amount: null }));
    assert.deepEqual(timer(closed, "check"), { cancel: "check" });
  });

  it("gives up when order and grace are over, and what comes after that still counts", () => {
    const { payment, types } = run(request(), opened(), check(true));
    assert.equal(payment.status, "expired");
    assert.deepEqual(types, ["payment.pending", "provider.cancel", "payment.expired"]);
    assert.equal(run(request(), opened(), check(true), notified()).payment.captured, 2_500);
    assert.ok(!run(request(), opened(), check(true), check()).types.includes("provider.check"));
  });

  it("asks about refunds until they end", () => {
    const id = newId();
    const pending = message("provider.refund_pending", { refundId: id, refundRef: "re-1" });
    const asked = run(request(), opened(), notified(), refund(500, id));
    assert.equal(due(asked, "check"), 10_000);
    assert.ok(
      run(request(), opened(), notified(), refund(500, id), pending, check()).types.at(-1) ===
        "provider.check",
    );
    const done = message("provider.refunded", { refundId: id });
    const ended = run(request(), opened(), notified(), refund(500, id), pending, done);
    assert.deepEqual(timer(ended, "check"), { cancel: "check" });
  });

  it("tells staff, once, of a refund that does not end", () => {
    const id = newId();
    const open = [request(), opened(), notified(), refund(500, id)];
    const checks = (n: number) => Array.from({ length: n }, () => check());
    assert.deepEqual(run(...open, ...checks(16)).kinds, []);
    const { kinds, sent } = run(...open, ...checks(40));
    assert.deepEqual(kinds, ["refund_stuck"]);
    const [told] = sent.flatMap((it) => (it.type === "payment.anomaly" ? [it.data] : []));
    assert.deepEqual([told?.expected, told?.reported], [usd(500), null]);
    assert.deepEqual(run(request(), opened(), ...checks(40)).kinds, [], "an open payment is none");
  });

  it("is opened again after a failure, ever more slowly, and tells staff of wrong settings once", () => {
    const once = run(request(), unopened("misconfigured"));
    assert.equal(once.payment.status, "requested");
    assert.deepEqual(once.kinds, ["provider_misconfigured"]);
    assert.equal(due(once, "open"), 1_000);
    const twice = run(
      request(),
      unopened("misconfigured"),
      message("payment.open", {}),
      unopened("misconfigured"),
    );
    assert.deepEqual(twice.kinds, ["provider_misconfigured"]);
    assert.equal(due(twice, "open"), 2_000);
    const again = twice.sent.find((it) => it.type === "provider.open");
    assert.deepEqual(again?.data.payment, { provider: "sandbox", options: {} });
    assert.deepEqual(run(request(), unopened("unreachable")).kinds, []);
    const opens = run(request(), unopened("unreachable"), opened());
    assert.deepEqual([opens.payment.status, opens.payment.opening], ["pending", null]);
    assert.deepEqual(timer(opens, "open"), { cancel: "open" });
  });

  it("is opened again also where its failure was known before it was asked for", () => {
    assert.equal(due(run(unopened("unreachable"), request()), "open"), 1_000);
    const batched = createPaymentActor({ ...schedule, batchMs: 60_000 });
    const { state } = batched.receive(null, unopened("unreachable"));
    const { timers = [] } = batched.receive(state, request());
    assert.ok(timers.some((it) => "set" in it && it.set === "open" && it.due === START + 1_000));
  });

  const unsettled = (command: DataIn<"provider.command_failed">["command"], failures = 1) =>
    message("provider.command_failed", {
      provider: "sandbox",
      providerRef: "ref-1",
      command,
      trouble: "unreachable",
      reason: "no answer",
      failures,
    });
  const retried = (it: ReturnType<typeof run>) => {
    const found = it.timers.findLast((one) => "set" in one && one.set.startsWith("again:"));
    assert.ok(found && "set" in found);
    return [found.due - START, found.message] as const;
  };
  const retry = (command: DataIn<"payment.retry">["command"], failures = 1) =>
    message("payment.retry", { command, failures });
  const ref = { provider: "sandbox", providerRef: "ref-1" };

  it("asks once more for what its provider has not done, ever more slowly", () => {
    const waits = Array.from({ length: 11 }, (_, n) => {
      const [wait, due] = retried(run(request(), opened(), cancel(), unsettled({ task: "cancel" }, n + 1)));
      assert.deepEqual(due, {
        type: "payment.retry",
        data: { command: { task: "cancel" }, failures: n + 1 },
      });
      return wait / 1_000;
    });
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    const [wait] = retried(run(unsettled({ task: "check" }, 2), request()));
    assert.equal(wait, 2_000, "also for what came before the request");
  });

  it("asks for each thing as it did before, while it is still wanted", () => {
    const id = newId();
    const authorized = notified({ status: "authorized" });
    const [paid, refunds] = [[request(), opened(), notified()], { task: "refund", refundId: id } as const];
    const last = (...messages: Message<PaymentMessage>[]) => {
      const { sent } = run(...messages);
      return [sent.at(-1)?.type, sent.at(-1)?.data];
    };
    assert.deepEqual(last(request(), opened(), authorized, retry({ task: "capture" }, 3)), [
      "provider.capture",
      { ...ref, amount: usd(2_500), failures: 3 },
    ]);
    assert.deepEqual(last(request(), opened(), cancel(), retry({ task: "cancel" })), [
      "provider.cancel",
      { ...ref, failures: 1 },
    ]);
    assert.deepEqual(last(...paid, refund(500, id), retry(refunds)), [
      "provider.refund",
      { ...ref, receipt: "R-1", refundId: id, amount: usd(500), reason: "gift back", failures: 1 },
    ]);
    assert.deepEqual(last(request(), opened(), retry({ task: "check", receipt: "R-1", disputed: true })), [
      "provider.check",
      { ...ref, receipt: "R-1", disputed: true, settles: false, urgent: true, failures: 1 },
    ]);
    const duplicate = run(...paid, notified({ receipt: "R-2" })).payment.duplicateCaptures[0]?.refundId ?? "";
    const again = run(...paid, notified({ receipt: "R-2" }), retry({ task: "refund", refundId: duplicate }));
    const [first, second] = again.sent.filter((it) => it.type === "provider.refund").map((it) => it.data);
    assert.deepEqual({ ...second, failures: 0 }, first);
    for (const [before, command] of [
      [paid, { task: "capture" }],
      [paid, { task: "cancel" }],
      [[...paid, refund(500, id), message("provider.refunded", { refundId: id })], refunds],
      [[request(), opened(), cancel(), notified({ status: "cancelled", amount: null })], { task: "cancel" }],
    ] as const)
      assert.deepEqual(run(...before, retry(command)).sent, run(...before).sent, command.task);
  });

  it("that nobody has asked for, and whose provider could not be asked, is told to staff", () => {
    const early = run(unsettled({ task: "check" }), message("payment.unmatched", {}));
    assert.deepEqual(early.kinds, ["unknown_payment"]);
  });

  it("fails when it could not be opened in the order's time", () => {
    const late = { ...unopened("unreachable"), time: new Date(START + 60_000).toISOString() };
    const { payment, types } = run(request(), late);
    assert.equal(payment.status, "failed");
    assert.deepEqual(types, ["payment.failed"]);
  });

  it("waits for the next batch where payments are opened together", () => {
    const batched = createPaymentActor({ ...schedule, batchMs: 60_000 });
    const at = (ms: number) => ({ ...request(), time: new Date(START + ms).toISOString() });
    const dues = [1, 30_000, 60_000, 60_001].map((ms) => {
      const [timer] = batched.receive(null, at(ms)).timers ?? [];
      return timer && "set" in timer && timer.due - START;
    });
    assert.deepEqual(dues, [60_000, 60_000, 60_000, 120_000]);
  });

  it("gives a return what is left, and always answers it", () => {
    const upTo = (amount: number, refundId: string) =>
      message("payment.refund", { refundId, amount: usd(amount), upTo: true, reason: "returned" });
    const done = (refundId: string) => message("provider.refunded", { refundId });
    const [byHand, returned, last] = [newId(), newId(), newId()];
    const paid = [request(), opened(), notified(), refund(2_000, byHand), done(byHand)];
    const some = run(...paid, upTo(1_000, returned), done(returned), upTo(1_000, last), upTo(1_000, last));
    assert.equal(some.payment.status, "refunded");
    const told = some.sent.flatMap((it) =>
      it.type === "payment.refunded" ? [[it.data.refundId, it.data.amount.amount, it.data.full]] : [],
    );
    assert.deepEqual(told, [
      [byHand, 2_000, false],
      [returned, 500, true],
      [last, 0, true],
    ]);
  });

  it("tells of a refund that its provider would not make", () => {
    const refundId = newId();
    const failed = message("provider.refund_failed", { refundId, refundRef: null, reason: "account closed" });
    const { payment, sent } = run(request(), opened(), notified(), refund(500, refundId), failed, failed);
    assert.equal(refunded(payment), 0);
    assert.deepEqual(
      sent.filter((it) => it.type === "payment.refund_failed").map((it) => [it.subject, it.data]),
      [[orderId, { paymentId, refundId, amount: usd(500), reason: "account closed" }]],
    );
  });
});
