/** Money: what was captured and kept matches the order's state, in the shop and at the provider. */
import { type OrderState, refundedOf } from "../../../services/orders/order/state.ts";
import { refunded } from "../../../services/payments/payment/state.ts";
import { type SandboxPayment, taken } from "../../../services/payments/providers/sandbox/sandbox.model.ts";
import type { CheckResult } from "./check.ts";
import type { Evidence } from "./checks.ts";

type MoneyEvidence = Pick<Evidence, "snapshot">;

/** What the shop must have kept of an order's money, minor units. */
const due = ({ status, total }: OrderState): number =>
  ["paid", "shipped", "delivered"].includes(status) ? total.amount : 0;

/** A customer paid a wrong amount. The provider keeps it until people decide. */
const isWrong = (it: SandboxPayment): boolean => it.status === "captured" && taken(it) !== it.amount;

const kept = (it: SandboxPayment): number =>
  it.status === "captured" && !isWrong(it) ? taken(it) - it.refunded : 0;

export function checkMoney({ snapshot }: MoneyEvidence): CheckResult[] {
  return [
    checkOrdersMoney(snapshot),
    checkCaptures(snapshot),
    checkProvider(snapshot),
    checkWrongAmounts(snapshot),
  ];
}

function checkOrdersMoney({ orders, sandbox }: MoneyEvidence["snapshot"]): CheckResult {
  const byPayment = new Map(sandbox.map((it) => [it.paymentId, it]));
  const failures = orders.flatMap(({ _id, state }) => {
    const owed = due(state);
    const own = state.attempts.reduce((sum, it) => sum + (it.captured ?? 0) - refundedOf(it), 0);
    const provider = state.attempts.reduce((sum, { id }) => {
      const it = byPayment.get(id);
      return sum + (it ? kept(it) : 0);
    }, 0);
    return [
      ...(own === owed ? [] : [`order ${_id} is ${state.status}, should have kept ${owed}, and says ${own}`]),
      ...(provider === owed
        ? []
        : [`order ${_id} is ${state.status}, should have kept ${owed}, and the provider has ${provider}`]),
    ];
  });
  return {
    name: "captured − refunded = what the order's state says",
    looked: "orders, at both",
    count: orders.length,
    failures,
  };
}

/** Of several captures, at most one is kept. The others are refunded completely. */
function checkCaptures({ orders }: MoneyEvidence["snapshot"]): CheckResult {
  let captures = 0;
  const failures = orders.flatMap(({ _id, state }) => {
    const taken = state.attempts.filter((it) => it.captured !== null);
    captures += taken.length;
    const keeping = taken.filter((it) => (it.captured ?? 0) !== refundedOf(it));
    const over = state.attempts.filter((it) => refundedOf(it) > (it.captured ?? 0));
    return [
      ...(keeping.length > 1 ? [`order ${_id} keeps ${keeping.length} captures`] : []),
      ...over.map((it) => `order ${_id} gave back more of ${it.id} than was taken`),
    ];
  });
  return { name: "at most one capture of an order is kept", looked: "captures", count: captures, failures };
}

/** The provider's records against the shop's payments, one by one. */
function checkProvider({ payments, sandbox }: MoneyEvidence["snapshot"]): CheckResult {
  const known = new Map(payments.map((it) => [it._id, it.state]));
  const failures = sandbox.flatMap((it) => {
    const own = known.get(it.paymentId);
    if (!own || own.status === "early") return [`payment ${it.paymentId} is known to the provider alone`];
    const [captured, back] = it.status === "captured" && !isWrong(it) ? [taken(it), it.refunded] : [0, 0];
    return [
      ...(own.captured === captured
        ? []
        : [`payment ${it.paymentId}: ${captured} taken at the provider, ${own.captured} known`]),
      ...(refunded(own) === back
        ? []
        : [`payment ${it.paymentId}: ${back} given back at the provider, ${refunded(own)} known`]),
    ];
  });
  const open = payments.flatMap(({ _id, state }) =>
    state.status === "early" || state.status === "requested"
      ? [`payment ${_id} is still ${state.status}`]
      : [],
  );
  return {
    name: "payments and the provider agree",
    looked: "payments",
    count: payments.length,
    failures: [...failures, ...open],
  };
}

/** A wrong amount never pays an order, and staff are told. */
function checkWrongAmounts({ sandbox, anomalies, orders }: MoneyEvidence["snapshot"]): CheckResult {
  const wrong = sandbox.filter(isWrong);
  const told = new Set(anomalies.filter((it) => it.kind === "amount_mismatch").map((it) => it.paymentId));
  const paying = new Set(orders.map(({ state }) => state.paidBy));
  return {
    name: "a wrong amount pays nothing and is told to staff",
    looked: "wrong amounts",
    count: wrong.length,
    failures: wrong.flatMap(({ paymentId }) => [
      ...(told.has(paymentId) ? [] : [`payment ${paymentId} is no anomaly`]),
      ...(paying.has(paymentId) ? [`payment ${paymentId} has paid an order`] : []),
    ]),
  };
}
