/** Any messages, in any order, any number of times: what must hold for money holds. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Outgoing } from "../../../broker/actor/define-actor.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { envelope, type Message } from "../../../broker/contract/envelope.ts";
import { derivedId, newId } from "../../../broker/contract/ids.ts";
import "../../../services/contracts.ts";
import { deepFreeze } from "../../../broker/actor/runtime/document/freeze.ts";
import { decide } from "../../../broker/actor/testing/check-decision.ts";
import { type Booking, isBalanced, transactionOf } from "../../../services/payments/ledger/transaction.ts";
import type { PaymentMessage } from "../../../services/payments/payment/payment.actor.ts";
import {
  isFinalAtProvider,
  isWatched,
  type PaymentState,
  refunded,
} from "../../../services/payments/payment/state.ts";
import { paymentActor } from "../../support/providers/payment-actor.ts";

const paymentId = newId();
const orderId = newId();
const AMOUNT = 1_000;
const START = Date.parse("2026-03-01T10:00:00.000Z");
const refundIds = [newId(), newId(), newId()];

const make = <T extends PaymentMessage>(type: T, data: DataIn<T>, at: number): Message<T> =>
  envelope(type, paymentId, data, {
    source: "/test",
    at,
    id: derivedId(type, JSON.stringify(data), at),
  });

const paymentRequest = (time: number) =>
  make(
    "payment.request",
    {
      orderId,
      orderNumber: "S-1",
      customerId: orderId,
      amount: { amount: AMOUNT, currency: "USD" },
      payment: { provider: "sandbox" },
      expiresAt: new Date(START).toISOString(),
    },
    time,
  );

const at = fc.integer({ min: 0, max: 100 }).map((it) => START + it);
const money = fc.record({
  amount: fc.constantFrom(AMOUNT, AMOUNT, AMOUNT, AMOUNT + 71, AMOUNT - 1, AMOUNT + 1, 0),
  currency: fc.constantFrom("USD", "USD", "USD", "EUR"),
});
const ref = fc.constantFrom("ref-1", "ref-1", "ref-1", "ref-2");
const refundRef = fc.constantFrom("re-1", "re-2", "re-3");
const refundReport = fc.record({
  refundId: fc.option(fc.constantFrom(...refundIds)),
  refundRef,
  amount: fc.record({
    amount: fc.oneof(fc.constant(AMOUNT), fc.integer({ min: 0, max: AMOUNT })),
    currency: fc.constant("USD"),
  }),
  status: fc.constantFrom("pending", "succeeded", "succeeded", "failed"),
  reason: fc.constant(null),
});
const command = fc.oneof(
  fc.constantFrom(
    { task: "capture" as const },
    { task: "cancel" as const },
    { task: "check" as const, receipt: "R-1" },
  ),
  fc.constantFrom(...refundIds).map((refundId) => ({ task: "refund" as const, refundId })),
);
const messages: fc.Arbitrary<Message<PaymentMessage>> = fc.oneof(
  at.map(paymentRequest),
  fc
    .tuple(ref, at)
    .map(([providerRef, time]) =>
      make("payment.opened", { providerRef, nextAction: null, expiresAt: null }, time),
    ),
  at.map((time) => make("payment.refused", { reason: "no" }, time)),
  fc
    .record({
      provider: fc.constantFrom("sandbox", "sandbox", "sandbox", "other"),
      eventId: fc.constantFrom("e1", "e2", "e3"),
      providerRef: ref,
      status: fc.constantFrom(
        "captured",
        "captured",
        "captured",
        "pending",
        "processing",
        "processing",
        "authorized",
        "failed",
        "expired",
        "cancelled",
        "partially_refunded",
        "refunded",
        "disputed",
      ),
      amount: fc.option(money, { freq: 10 }),
      fee: fc.option(fc.constantFrom({ amount: 71, currency: "USD" }, { amount: 71, currency: "EUR" }), {
        freq: 3,
      }),
      receipt: fc.option(fc.constantFrom("R-1", "R-2")),
      reason: fc.constant(null),
      refunds: fc.array(refundReport, { maxLength: 2 }),
      settles: fc.boolean(),
    })
    .chain((data) => at.map((time) => make("payment.report", data, time))),
  at.map((time) => make("payment.unmatched", {}, time)),
  fc.tuple(command, fc.integer({ min: 1, max: 50 }), at).map(([it, failures, time]) =>
    make(
      "provider.command_failed",
      {
        provider: "sandbox",
        providerRef: "ref-1",
        command: it,
        trouble: "unreachable",
        reason: "no",
        failures,
      },
      time,
    ),
  ),
  fc
    .tuple(command, fc.integer({ min: 1, max: 50 }), at)
    .map(([it, failures, time]) => make("payment.retry", { command: it, failures }, time)),
  at.map((time) => make("payment.open", {}, time)),
  fc
    .tuple(fc.constantFrom("misconfigured", "unreachable"), at)
    .map(([trouble, time]) => make("payment.open_failed", { trouble, reason: "no" }, time)),
  fc.tuple(fc.boolean(), at).map(([last, time]) => make("payment.check", { last }, time)),
  at.map((time) => make("payment.cancel", { reason: "cancelled" }, time)),
  fc
    .tuple(
      fc.constantFrom(...refundIds),
      fc.option(fc.record({ amount: fc.integer({ min: 1, max: AMOUNT + 1 }), currency: fc.constant("USD") })),
      at,
    )
    .map(([refundId, amount, time]) => make("payment.refund", { refundId, amount, reason: "back" }, time)),
  fc
    .tuple(fc.constantFrom(...refundIds), fc.option(refundRef), at)
    .map(([refundId, ref, time]) => make("provider.refunded", { refundId, refundRef: ref }, time)),
  fc
    .tuple(fc.constantFrom(...refundIds), refundRef, at)
    .map(([refundId, ref, time]) => make("provider.refund_pending", { refundId, refundRef: ref }, time)),
  fc
    .tuple(fc.constantFrom(...refundIds), fc.option(refundRef), at)
    .map(([refundId, ref, time]) =>
      make("provider.refund_failed", { refundId, refundRef: ref, reason: "no" }, time),
    ),
);

/** A request and an opening are in it, so that most runs get somewhere. */
const histories = fc
  .array(messages, { minLength: 1, maxLength: 30 })
  .chain((some) => fc.shuffledSubarray([...some, ...some.slice(0, 5)], { minLength: some.length }));

interface Step {
  before: PaymentState | null;
  message: Message<PaymentMessage>;
  after: PaymentState | null;
  send: readonly Outgoing[];
}

function play(history: readonly Message<PaymentMessage>[]): Step[] {
  let state: PaymentState | null = null;
  return history.map((message) => {
    const before: PaymentState | null = state;
    const decision = decide(paymentActor, before, deepFreeze(message));
    state = decision.state;
    return { before, message, after: state, send: decision.send ?? [] };
  });
}

const check = (property: (steps: Step[]) => void) =>
  fc.assert(
    fc.property(histories, (history) => property(play(history))),
    { numRuns: 500 },
  );
const TAKEN: ReadonlySet<string> = new Set(["captured", "partially_refunded", "refunded", "disputed"]);
const tookMoney = (state: PaymentState | null): boolean =>
  state !== null && state.status !== "early" && state.captured > 0;
/** It is an anomaly that staff have heard of. */
function wasTold(before: PaymentState | null, message: Message<PaymentMessage>): boolean {
  if (before === null || before.status === "early") return false;
  const anew = paymentActor.receive({ ...before, anomalies: [] }, message).send ?? [];
  return anew.some((it) => it.type === "payment.anomaly" && before.anomalies.includes(it.data.id));
}
/** With or without a fee that was declared. */
const isOwed = ({ amount, fee }: DataIn<"payment.report">): boolean =>
  amount?.amount === AMOUNT || (fee?.currency === "USD" && amount?.amount === AMOUNT + fee.amount);
const sentBy = (steps: readonly Step[]) => steps.flatMap((it) => it.send);

describe("payments under any interleaving", () => {
  it("get everywhere, so that what follows is about something", () => {
    const reached = new Set<string>();
    for (const history of fc.sample(histories, { numRuns: 2_000, seed: 1 }))
      for (const { after } of play(history)) reached.add(after?.status ?? "none");
    assert.equal(reached.size, 12, [...reached].join(", "));
  });

  it("are captured at most once, for exactly what the order asked, and never uncaptured", () => {
    check((steps) => {
      const captures = steps.filter((it) => !tookMoney(it.before) && tookMoney(it.after));
      assert.ok(captures.length <= 1);
      for (const { before, after } of steps) {
        if (tookMoney(before)) assert.ok(tookMoney(after));
        if (after && after.status !== "early" && tookMoney(after)) assert.equal(after.captured, AMOUNT);
      }
    });
  });

  it("tell the order of their capture, once", () => {
    check((steps) => {
      const told = sentBy(steps).filter((it) => it.type === "payment.captured");
      assert.equal(told.length, tookMoney(steps.at(-1)?.after ?? null) ? 1 : 0);
      for (const it of told) assert.equal(it.subject, orderId);
    });
  });

  it("capture only on a report of the right amount, currency, provider and reference", () => {
    check((steps) => {
      const step = steps.find((it) => !tookMoney(it.before) && tookMoney(it.after));
      if (!step) return;
      const reports =
        step.before?.status === "early"
          ? step.before.kept.map((it) => it as Message<PaymentMessage>)
          : [step.message];
      assert.ok(
        reports.some(
          (it) =>
            it.type === "payment.report" &&
            TAKEN.has(it.data.status) &&
            it.data.provider === "sandbox" &&
            isOwed(it.data) &&
            it.data.amount?.currency === "USD",
        ),
      );
    });
  });

  it("tell the order of money on its way, once for each time, and of how each ended by its number", () => {
    check((steps) => {
      const rounds = sentBy(steps).flatMap((it) => (it.type === "payment.processing" ? [it.data.round] : []));
      assert.deepEqual(
        rounds,
        [...new Set(rounds)].sort((a, b) => a - b),
      );
      let current = 0;
      for (const it of sentBy(steps)) {
        if (it.type === "payment.processing") current = it.data.round;
        if (it.type === "payment.failed" || it.type === "payment.expired")
          assert.ok((it.data.round ?? 0) >= current);
      }
    });
  });

  it("watch money on its way until it has come or not, also where nobody wants it any more", () => {
    check((steps) => {
      const last = steps.at(-1)?.after;
      if (!last || last.status === "early" || last.processingUntil === null) return;
      assert.equal(last.captured, 0);
      assert.ok(["processing", "authorized", "cancelled", "expired"].includes(last.status), last.status);
      // Money of another amount has come, and staff know. Nothing more is expected from the provider.
      const isStaffs = isFinalAtProvider(last) && last.anomalies.length > 0;
      if (last.status === "processing") assert.ok(isWatched(last) || isStaffs);
    });
  });

  it("never refund more than was captured, and every refund id at the provider once, unless it is retried", () => {
    check((steps) => {
      for (const { after } of steps)
        if (after && after.status !== "early")
          assert.ok(refunded(after) >= 0 && refunded(after) <= after.captured);
      const first = steps.filter((it) => it.message.type !== "payment.retry");
      const asked = sentBy(first).flatMap((it) => (it.type === "provider.refund" ? [it.data.refundId] : []));
      assert.equal(new Set(asked).size, asked.length);
      const told = sentBy(steps).flatMap((it) => (it.type === "payment.refunded" ? [it.data.refundId] : []));
      assert.equal(new Set(told).size, told.length);
    });
  });

  it("tell the order what sums to their state", () => {
    check((steps) => {
      const last = steps.at(-1)?.after;
      const sum = (type: "payment.captured" | "payment.refunded") =>
        sentBy(steps).reduce((total, it) => total + (it.type === type ? it.data.amount.amount : 0), 0);
      const [captured, back] = last && last.status !== "early" ? [last.captured, refunded(last)] : [0, 0];
      assert.deepEqual([sum("payment.captured"), sum("payment.refunded")], [captured, back]);
    });
  });

  it("book every movement once, and come to what they say themselves", () => {
    check((steps) => {
      const booked = sentBy(steps).flatMap((it) => (it.type === "ledger.book" ? [it.data] : []));
      assert.equal(new Set(booked.map((it) => it.id)).size, booked.length);
      const last = steps.at(-1)?.after;
      if (!last || last.status === "early") return assert.deepEqual(booked, []);
      const sum = (kind: string) =>
        booked.filter((it) => it.kind === kind).reduce((total, it) => total + it.amount.amount, 0);
      assert.equal(sum("capture"), last.captured);
      assert.equal(sum("refund"), refunded(last));
      const capture = booked.find((it) => it.kind === "capture");
      assert.equal(capture?.fee ?? 0, last.fee);
      const balances = booked.flatMap((it) => {
        const { currency, entries } = transactionOf({ ...it, amount: it.amount } as Booking);
        return entries.map((entry) => ({ ...entry, currency }));
      });
      assert.ok(isBalanced(balances));
    });
  });

  it("come to one end, in whatever order and however often they hear it, once the provider was asked", () => {
    const notified = (status: string, more: object = {}, eventId = status) =>
      make(
        "payment.report",
        {
          provider: "sandbox",
          eventId,
          providerRef: "ref-1",
          status,
          amount: { amount: AMOUNT, currency: "USD" },
          receipt: "R-1",
          reason: null,
          ...more,
        } as DataIn<"payment.report">,
        START,
      );
    const back = (status: string) => ({
      refunds: [
        {
          refundId: null,
          refundRef: "re-1",
          amount: { amount: 400, currency: "USD" },
          status,
          reason: null,
        },
      ],
    });
    const history = [
      make("payment.opened", { providerRef: "ref-1", nextAction: null, expiresAt: null }, START),
      notified("pending", { receipt: null }),
      notified("authorized", { receipt: null }),
      notified("processing", { amount: null, receipt: null }),
      notified("failed", { amount: null, receipt: null }),
      notified("captured"),
      notified("captured", back("pending"), "begun"),
      notified("partially_refunded", back("succeeded")),
      make("payment.check", { last: false }, START),
    ];
    const asked = notified("partially_refunded", back("succeeded"), "asked");
    const request = paymentRequest(START);
    const cancel = make("payment.cancel", { reason: "cancelled" }, START);
    const shuffled = fc
      .tuple(fc.shuffledSubarray(history, { minLength: 0 }), fc.shuffledSubarray(history), fc.boolean())
      .chain(([some, again, cancelled]) => {
        const all = [request, ...some, ...again, ...(cancelled ? [cancel] : [])];
        return fc.shuffledSubarray(all, { minLength: all.length });
      });
    fc.assert(
      fc.property(shuffled, (messages) => {
        const steps = play([...messages, asked]);
        const end = steps.at(-1)?.after;
        assert.ok(end && end.status !== "early");
        assert.deepEqual(
          [end.status, end.captured, refunded(end), end.receipt, end.refunds.map((it) => it.refundRef)],
          ["partially_refunded", AMOUNT, 400, "R-1", ["re-1"]],
        );
        const told = sentBy(steps).filter((it) => /^payment\.(captured|refunded)$/.test(it.type));
        assert.equal(told.length, 2);
      }),
      { numRuns: 500 },
    );
  });

  it("never lose a capture that is reported: it is taken, an echo, kept, or an anomaly", () => {
    check((steps) => {
      for (const { before, message, after, send } of steps) {
        if (message.type !== "payment.report" || message.data.status !== "captured") continue;
        const taken = !tookMoney(before) && tookMoney(after);
        const kept = after?.status === "early";
        const anomaly = send.some((it) => it.type === "payment.anomaly") || wasTold(before, message);
        const echo =
          before !== null &&
          before.status !== "early" &&
          before.captured > 0 &&
          message.data.provider === before.provider &&
          message.data.providerRef === before.providerRef &&
          (message.data.amount === null || isOwed(message.data));
        assert.ok(taken || kept || anomaly || echo, "it left no trace");
      }
    });
  });

  it("do nothing for a repetition of what they applied", () => {
    check((steps) => {
      for (const { message, after, send } of steps)
        if (send.some((it) => it.type === "payment.captured")) {
          const again = paymentActor.receive(after, message);
          assert.ok(!again.send?.some((it) => it.type === "payment.captured"));
        }
    });
  });

  it("close at the provider what was opened and cancelled before any money came", () => {
    check((steps) => {
      const last = steps.at(-1)?.after;
      if (last?.status !== "cancelled" || last.providerRef === null) return;
      // The provider has closed it itself.
      if (!isWatched(last) && !last.givenUp) return;
      const byUs = last.failure === "cancelled" && steps.some((it) => it.message.type === "payment.cancel");
      const byProvider = steps.some(
        (it) => it.message.type === "payment.report" && it.message.data.status === "cancelled",
      );
      if (byUs && !byProvider) assert.ok(sentBy(steps).some((it) => it.type === "provider.cancel"));
    });
  });
});
