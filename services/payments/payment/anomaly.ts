/**
 * Anomalies for staff, and bookings for the ledger. A payment sends each once, however often a provider repeats
 * itself.
 */
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

/** Beyond this number it may repeat one. The record of anomalies recognises its id. */
const MAX_ANOMALIES = 50;

interface AnomalyOptions {
  /** Values that make it a different anomaly of the same kind. */
  about?: readonly (string | number)[];
  expected?: Money;
  reported?: Money | null;
}

/** Reports it, unless it was reported before. */
export function anomaly(
  state: Payment,
  message: Message<PaymentMessage>,
  kind: AnomalyKind,
  { about = [], expected = state.amount, reported }: AnomalyOptions = {},
): Step {
  const { subject: paymentId, time } = message;
  const report = message.type === "payment.report" ? (message.data as DataIn<"payment.report">) : null;
  const id = derivedId("anomaly", paymentId, kind, ...about);
  if (state.anomalies.includes(id)) return { state, send: [] };
  return {
    state: { ...state, anomalies: [...state.anomalies, id].slice(-MAX_ANOMALIES) },
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

interface BookingOptions {
  /** What makes it a different booking of the same kind for this payment. */
  about?: string;
  reference: string | null;
  /** Minor units that the customer has paid on top. */
  fee?: number;
}

export const book = (
  state: Payment,
  { subject: paymentId, time }: Pick<Message, "subject" | "time">,
  kind: z.output<typeof bookingKind>,
  amount: Money,
  { about = "", reference, fee = 0 }: BookingOptions,
): Outgoing =>
  send("ledger.book", paymentId, {
    id: derivedId("booking", paymentId, kind, about),
    kind,
    paymentId,
    orderId: state.orderId,
    provider: state.provider,
    amount,
    ...(fee > 0 && { fee }),
    reference,
    at: time,
  });
