/** Commands of a payment to its provider. After a failure, a timer repeats them, see schedule.ts. */
import type { z } from "zod";
import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { providerCommand } from "../payments.contract.ts";
import type { Decided } from "./decision.ts";
import { inCurrencyOf, isFinalAtProvider, type Payment } from "./state.ts";

export type ProviderCommand = z.output<typeof providerCommand>;

/** One timer per command. Setting it again moves it. */
export const timerOf = (it: ProviderCommand): string =>
  ["again", it.task, ...(it.task === "refund" ? [it.refundId] : it.task === "check" ? marksOf(it) : [])].join(
    ":",
  );

const marksOf = ({ receipt, disputed, settles }: Extract<ProviderCommand, { task: "check" }>): string[] => [
  ...(disputed ? ["disputed"] : []),
  ...(settles ? ["settles"] : []),
  ...(receipt === null ? [] : [receipt]),
];

/** Recorded by its timer alone. */
export const commandFailed = (state: Payment): Decided => ({ state });

/** It is time to repeat the command, if it is still wanted. */
export const retry = (state: Payment, { subject, data }: Message<"payment.retry">): Decided => ({
  state,
  send: wanted(state, subject, data.command, data.failures),
});

function wanted(state: Payment, paymentId: string, it: ProviderCommand, failures: number): Outgoing[] {
  const { provider, providerRef, amount, status, captured } = state;
  if (providerRef === null) return [];
  const at = { provider, providerRef, failures };
  switch (it.task) {
    case "check": {
      const { task: _, ...hints } = it;
      return [send("provider.check", paymentId, { ...at, ...hints, urgent: true })];
    }
    case "capture":
      return status === "authorized" ? [send("provider.capture", paymentId, { ...at, amount })] : [];
    case "cancel":
      return captured === 0 && !isFinalAtProvider(state) ? [send("provider.cancel", paymentId, at)] : [];
    case "refund":
      return refundAgain(state, paymentId, it.refundId, failures);
  }
}

function refundAgain(state: Payment, paymentId: string, refundId: string, failures: number): Outgoing[] {
  const ours = state.refunds.find((it) => it.id === refundId);
  const duplicate = state.duplicateCaptures.find((it) => it.refundId === refundId);
  if ((ours ?? duplicate)?.status !== "pending") return [];
  if (ours) return [refundAtProvider(state, paymentId, { ...ours, receipt: state.receipt }, failures)];
  return duplicate ? [refundAtProvider(state, paymentId, duplicateCaptureRefund(duplicate), failures)] : [];
}

interface Wanted {
  id: string;
  amount: number;
  reason: string;
  receipt: string | null;
}

/** A second payment of the same goods is refunded completely. */
export const duplicateCaptureRefund = (it: {
  refundId: string;
  amount: number;
  receipt: string;
}): Wanted => ({
  id: it.refundId,
  amount: it.amount,
  reason: "captured twice",
  receipt: it.receipt,
});

/** @throws where the payment was never opened */
export function refundAtProvider(
  state: Payment,
  paymentId: string,
  { id: refundId, amount, reason, receipt }: Wanted,
  failures = 0,
): Outgoing {
  const { provider, providerRef } = state;
  if (!providerRef) throw new Error("captured without a reference of its provider");
  return send("provider.refund", paymentId, {
    provider,
    providerRef,
    receipt,
    refundId,
    amount: inCurrencyOf(state, amount),
    reason,
    failures,
  });
}

/**
 * A report did not fit, so the provider is asked for the state. Its answer is accepted as it is.
 * @param settles false where any answer will do
 */
export const recheckAtProvider = (
  { provider, providerRef }: Payment,
  paymentId: string,
  { receipt = null, settles = false }: { receipt?: string | null; settles?: boolean } = {},
): Outgoing[] =>
  providerRef
    ? [send("provider.check", paymentId, { provider, providerRef, receipt, settles, urgent: true })]
    : [];
