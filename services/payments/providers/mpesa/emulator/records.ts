/** M-Pesa's accounts: prompts on phones, and their payments. */
import type { ProviderRecord } from "../../emulator.ts";

export interface Prompt {
  readonly merchantRequestId: string;
  readonly checkoutRequestId: string;
  readonly phone: string;
  /** Whole shillings, as all below. */
  readonly amount: number;
  readonly callbackUrl: string;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  /** The PIN was entered, and M-Pesa takes its time. */
  entered: boolean;
  /** Null while the phone asks, or M-Pesa works on it. */
  result: { code: number; description: string } | null;
  receipt: string | null;
  paid: number;
  reversed: number;
}

const CENTS = 100;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

export const recordOf = (it: Prompt): ProviderRecord => ({
  providerRef: it.checkoutRequestId,
  // Safaricom knows only the callback address.
  paymentId: UUID.exec(it.callbackUrl)?.[0] ?? null,
  status: it.result ? String(it.result.code) : "asked",
  amount: it.amount * CENTS,
  currency: "KES",
  captured: it.paid * CENTS,
  refunded: it.reversed * CENTS,
});

export const DESCRIPTIONS: Readonly<Record<number, string>> = {
  0: "The service request is processed successfully.",
  1: "The balance is insufficient for the transaction.",
  1001: "Unable to lock subscriber, a transaction is already in process for the current subscriber",
  1032: "Request cancelled by user",
  1037: "DS timeout user cannot be reached",
  2001: "The initiator information is invalid.",
};

/** Safaricom's callback at the end of a prompt. @param time `YYYYMMDDHHmmss`, East Africa Time */
export function promptCallback(it: Prompt, time: string): object {
  const { code = 0, description = "" } = it.result ?? {};
  return {
    Body: {
      stkCallback: {
        MerchantRequestID: it.merchantRequestId,
        CheckoutRequestID: it.checkoutRequestId,
        ResultCode: code,
        ResultDesc: description,
        ...(code === 0
          ? {
              CallbackMetadata: {
                Item: [
                  { Name: "Amount", Value: it.paid },
                  { Name: "MpesaReceiptNumber", Value: it.receipt },
                  { Name: "Balance" },
                  { Name: "TransactionDate", Value: Number(time) },
                  { Name: "PhoneNumber", Value: Number(it.phone) },
                ],
              },
            }
          : {}),
      },
    },
  };
}

/** East Africa Time. */
export const nairobi = (at: number): string =>
  new Date(at + 3 * 3_600_000).toISOString().slice(0, 19).replace(/\D/g, "");
