/** A refund by staff. Its id is derived from the request, so the same request again is the same refund. */
import type { ActorHost, Snapshot } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import type { Money } from "../../broker/contract/schemas.ts";
import type { PaymentMessage } from "./payment/payment.actor.ts";
import { inCurrencyOf, type Payment, type PaymentState, refundable } from "./payment/state.ts";

export interface RefundOrder {
  id: string;
  refundId: string;
  /** A number is of minor units. Default: everything that is left. */
  amount: Money | number | undefined;
  reason: string;
}

/**
 * @returns the payment, with the pending refund
 * @throws {SoukError} NOT_FOUND, PAYMENT_NOT_REFUNDABLE or REFUND_TOO_LARGE; VALIDATION_FAILED for another currency
 */
export async function refundPayment(
  payments: ActorHost<PaymentState, PaymentMessage>,
  { id, refundId, amount, reason }: RefundOrder,
): Promise<Payment> {
  const present = requested(await payments.read(id));
  if (present.refunds.some((it) => it.id === refundId)) return present;
  const wanted = amount === undefined ? refundable(present) : minorUnitsOf(present, amount);
  if (wanted === 0) throw new SoukError("PAYMENT_NOT_REFUNDABLE");
  return requested(
    await payments.apply(id, "payment.refund", { refundId, amount: inCurrencyOf(present, wanted), reason }),
  );
}

/**
 * Ends a refund that waits for a report which will never come. Staff have seen the outcome in the provider's
 * accounts.
 * @throws {SoukError} NOT_FOUND; CONFLICT where it has ended differently
 */
export async function endRefund(
  payments: ActorHost<PaymentState, PaymentMessage>,
  { id, refundId, outcome }: { id: string; refundId: string; outcome: "succeeded" | "failed" },
): Promise<Payment> {
  const status = (it: Payment) =>
    (
      it.refunds.find((one) => one.id === refundId) ??
      it.duplicateCaptures.find((one) => one.refundId === refundId)
    )?.status;
  const present = requested(await payments.read(id));
  if (!status(present)) throw new SoukError("NOT_FOUND", "There is no such refund.");
  if (status(present) === outcome) return present;
  const ended =
    status(present) !== "pending"
      ? present
      : requested(
          await (outcome === "succeeded"
            ? payments.apply(id, "provider.refunded", { refundId })
            : payments.apply(id, "provider.refund_failed", { refundId, reason: "ended by staff" })),
        );
  if (status(ended) !== outcome) throw new SoukError("CONFLICT", `The refund has ${status(ended)} already.`);
  return ended;
}

function minorUnitsOf({ amount: { currency } }: Payment, wanted: Money | number): number {
  if (typeof wanted === "number") return wanted;
  if (wanted.currency === currency) return wanted.amount;
  throw new SoukError("VALIDATION_FAILED", `amount.currency: must be ${currency}, as the payment is`, {
    errors: [{ field: "amount.currency", message: `must be ${currency}, as the payment is` }],
  });
}

function requested(found: Snapshot<PaymentState> | null): Payment {
  if (!found || found.state.status === "early") throw new SoukError("NOT_FOUND", "There is no such payment.");
  return found.state;
}
