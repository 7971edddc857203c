/** What a payment tells staff of, and what it enters into the ledger; each once, however often providers say it. */
import type { z } from "zod";
import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import type { anomalyKind, bookingKind } from "../payments.contract.ts";
import type { PaymentMessage, Step } from "./decision.ts";
import type { Payment } from "./state.ts";

export type AnomalyKind = z.output<typeof anomalyKind>;

/** Beyond these it may say one again: the record of anomalies knows it by its id. */
const MAX_TOLD = 50;

interface Told {
  /** What else makes it another anomaly of its kind. */
  about?: readonly (string | number)[];
  expected?: Money;
  reported?: Money | null;
}

/** Tells it unless it was told before. */
export function anomaly(
  state: Payment,
  message: Message<PaymentMessage>,
  kind: AnomalyKind,
  { about = [], expected = state.amount, reported }: Told = {},
): Step {
  const { subject: paymentId, time } = message;
  const report = message.type === "payment.report" ? (message.data as DataIn<"payment.report">) : null;
  const id = derivedId("anomaly", paymentId, kind, ...about);
  if (state.told.includes(id)) return { state, send: [] };
  return {
    state: { ...state, told: [...state.told, id].slice(-MAX_TOLD) },
    send: [
      send("payment.anomaly", paymentId, {
        id,
        paymentId,
        orderId: state.orderId,
        provider: report?.provider ?? state.provider,
        providerRef: report?.providerRef ?? state.providerRef,
        kind,
        expected,
        reported: reported === undefined ? (report?.amount ?? null) : reported,
        at: time,
      }),
    ],
  };
}

/** @param about what makes it another booking of its kind, of this payment */
export const book = (
  state: Payment,
  { subject: paymentId, time }: Pick<Message, "subject" | "time">,
  kind: z.output<typeof bookingKind>,
  amount: Money,
  about: string,
  reference: string | null,
): Outgoing =>
  send("ledger.book", paymentId, {
    id: derivedId("booking", paymentId, kind, about),
    kind,
    paymentId,
    orderId: state.orderId,
    provider: state.provider,
    amount,
    reference,
    at: time,
  });
