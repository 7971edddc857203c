/** The bodies of Midtrans' answers and signed notifications. */
import { createHash } from "node:crypto";
import { decimal, gross, jakarta, type Page, refunded, type Transaction } from "./records.ts";

/** Midtrans' own code of a state: 200 done, 201 waiting, 202 denied or expired. */
const codeOf = ({ status, fraud }: Transaction): string => {
  if (status === "pending" || fraud === "challenge") return "201";
  return status === "deny" || status === "expire" ? "202" : "200";
};

const messageOf = ({ status, fraud }: Transaction): string =>
  status === "deny"
    ? "Transaction is denied by the bank"
    : status === "expire"
      ? "Success, transaction is expired"
      : fraud === "challenge"
        ? "Success, Credit Card transaction is challenged"
        : "Success, transaction is found";

/** @param code replaces the state's own code */
export function transactionBody(
  { orderId }: Page,
  it: Transaction,
  serverKey: string,
  code: string = codeOf(it),
): Record<string, unknown> {
  const grossAmount = decimal(gross(it));
  return {
    status_code: code,
    status_message: messageOf(it),
    transaction_id: it.id,
    order_id: orderId,
    merchant_id: "G000000000",
    gross_amount: grossAmount,
    currency: "IDR",
    payment_type: it.paymentType,
    transaction_time: jakarta(it.at),
    transaction_status: it.status,
    ...(it.paymentType === "credit_card"
      ? { fraud_status: it.fraud, masked_card: "48111111-1114", bank: "bni", approval_code: "1578569243927" }
      : { fraud_status: "accept" }),
    ...(it.settledAt === null ? {} : { settlement_time: jakarta(it.settledAt) }),
    ...(it.fee === 0
      ? {}
      : {
          metadata: {
            extra_info: {
              gross_amount_info: {
                original_amount: String(it.amount),
                gross_amount: String(gross(it)),
                customer_imposed_payment_fee: String(it.fee),
              },
            },
          },
        }),
    ...(it.refunds.length === 0 ? {} : { refunds: it.refunds, refund_amount: decimal(refunded(it)) }),
    signature_key: createHash("sha512").update(`${orderId}${code}${grossAmount}${serverKey}`).digest("hex"),
  };
}
