/** Any messages, in any order, any number of times: what must hold for money holds. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Outgoing } from "../../../broker/actor/define-actor.ts";
import { envelope, type Message } from "../../../broker/bus/envelope.ts";
import type { DataIn } from "../../../broker/contract.ts";
import { derivedId, newId } from "../../../broker/ids.ts";
import "../../../services/contracts.ts";
import { type PaymentMessage, paymentActor } from "../../../services/payments/payment.actor.ts";
import { type PaymentState, refunded } from "../../../services/payments/payment.state.ts";
import { deepFreeze } from "../../support/deep-freeze.ts";

const paymentId = newId();
const orderId = newId();
const AMOUNT = 1_000;
const START = Date.parse("2026-03-01T10:00:00.000Z");
const refundIds = [newId(), newId(), newId()];

const make = <T extends PaymentMessage>(type: T, data: DataIn<T>, at: number): Message<PaymentMessage> =>
  envelope(type, paymentId, data, {
    source: "/test",
    at,
    id: derivedId(type, JSON.stringify(data), at),
  }) as never;

const at = fc.integer({ min: 0, max: 100 }).map((it) => START + it);
const money = fc.record({
  amount: fc.constantFrom(AMOUNT, AMOUNT, AMOUNT, AMOUNT - 1, AMOUNT + 1, 0),
  currency: fc.constantFrom("USD", "USD", "USD", "EUR"),
});
const ref = fc.constantFrom("ref-1", "ref-1", "ref-1", "ref-2");
const messages: fc.Arbitrary<Message<PaymentMessage>> = fc.oneof(
  at.map((time) =>
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
    ),
  ),
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
      status: fc.constantFrom("captured", "captured", "captured", "failed", "expired", "cancelled"),
      amount: fc.option(money, { freq: 10 }),
      receipt: fc.option(fc.constantFrom("R-1", "R-2")),
      reason: fc.constant(null),
    })
    .chain((data) => at.map((time) => make("payment.notified", data, time))),
  at.map((time) => make("payment.unmatched", {}, time)),
  at.map((time) => make("payment.cancel", { reason: "cancelled" }, time)),
  fc
    .tuple(
      fc.constantFrom(...refundIds),
      fc.option(fc.record({ amount: fc.integer({ min: 1, max: AMOUNT + 1 }), currency: fc.constant("USD") })),
      at,
    )
    .map(([refundId, amount, time]) => make("payment.refund", { refundId, amount, reason: "back" }, time)),
  fc
    .tuple(fc.constantFrom(...refundIds), at)
    .map(([refundId, time]) => make("provider.refunded", { refundId }, time)),
  fc
    .tuple(fc.constantFrom(...refundIds), at)
    .map(([refundId, time]) => make("provider.refund_failed", { refundId, reason: "no" }, time)),
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
    const decision = paymentActor.receive(before, deepFreeze(message));
    state = decision.state === null ? null : deepFreeze(decision.state);
    if (state) paymentActor.state.parse(state);
    if (decision.refusal) assert.equal(state, before, "a refusal changes nothing");
    return { before, message, after: state, send: decision.send ?? [] };
  });
}

const check = (property: (steps: Step[]) => void) =>
  fc.assert(
    fc.property(histories, (history) => property(play(history))),
    { numRuns: 500 },
  );
const tookMoney = (state: PaymentState | null): boolean =>
  state !== null && state.status !== "early" && state.captured > 0;
const sentBy = (steps: readonly Step[]) => steps.flatMap((it) => it.send);

describe("payments under any interleaving", () => {
  it("get everywhere, so that what follows is about something", () => {
    const reached = new Set<string>();
    for (const history of fc.sample(histories, { numRuns: 2_000, seed: 1 }))
      for (const { after } of play(history)) reached.add(after?.status ?? "none");
    assert.equal(reached.size, 10, [...reached].join(", "));
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
            it.type === "payment.notified" &&
            it.data.status === "captured" &&
            it.data.provider === "sandbox" &&
            it.data.amount?.amount === AMOUNT &&
            it.data.amount.currency === "USD",
        ),
      );
    });
  });

  it("never refund more than was captured, and every refund id at the provider once", () => {
    check((steps) => {
      for (const { after } of steps)
        if (after && after.status !== "early")
          assert.ok(refunded(after) >= 0 && refunded(after) <= after.captured);
      const asked = sentBy(steps).flatMap((it) => (it.type === "provider.refund" ? [it.data.refundId] : []));
      assert.equal(new Set(asked).size, asked.length);
      const told = sentBy(steps).flatMap((it) => (it.type === "payment.refunded" ? [it.data.refundId] : []));
      assert.equal(new Set(told).size, told.length);
    });
  });

  it("never lose a capture that is reported: it is taken, an echo, kept, or an anomaly", () => {
    check((steps) => {
      for (const { before, message, after, send } of steps) {
        if (message.type !== "payment.notified" || message.data.status !== "captured") continue;
        const taken = !tookMoney(before) && tookMoney(after);
        const kept = after?.status === "early";
        const anomaly = send.some((it) => it.type === "payment.anomaly" && it.data.id === message.id);
        const echo =
          before !== null &&
          before.status !== "early" &&
          before.captured > 0 &&
          message.data.provider === before.provider &&
          message.data.providerRef === before.providerRef &&
          message.data.amount?.amount === AMOUNT;
        assert.ok(taken || kept || anomaly || echo, "it left no trace");
      }
    });
  });

  it("do the same again for the same message, and nothing for a repetition of what they applied", () => {
    check((steps) => {
      for (const { before, message, after, send } of steps) {
        assert.deepEqual(paymentActor.receive(before, message), paymentActor.receive(before, message));
        if (send.some((it) => it.type === "payment.captured")) {
          const again = paymentActor.receive(after, message);
          assert.ok(!again.send?.some((it) => it.type === "payment.captured"));
        }
      }
    });
  });

  it("close at the provider what was opened and cancelled before any money came", () => {
    check((steps) => {
      const last = steps.at(-1)?.after;
      if (last?.status !== "cancelled" || last.providerRef === null) return;
      const byUs = last.failure === "cancelled" && steps.some((it) => it.message.type === "payment.cancel");
      const byProvider = steps.some(
        (it) => it.message.type === "payment.notified" && it.message.data.status === "cancelled",
      );
      if (byUs && !byProvider) assert.ok(sentBy(steps).some((it) => it.type === "provider.cancel"));
    });
  });
});
