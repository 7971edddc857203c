/** Midtrans' notifications. The signature uses the server key and covers the strings exactly as in the body. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { sameSecret } from "../../../../broker/contract/secrets/same-secret.ts";
import { type WebhookEvent, WebhookRejected } from "../provider.ts";
import { parsedBody, understood } from "../support/webhook.ts";
import { reportOf } from "./statuses.ts";
import { instant, transaction } from "./transaction.ts";

const signed = z.object({
  order_id: z.string().max(50),
  status_code: z.string().max(10),
  gross_amount: z.string().max(30),
  signature_key: z.string().max(200),
});

/** Hex SHA-512 of the three strings and the key. */
export const signature = (
  it: Pick<z.output<typeof signed>, "order_id" | "status_code" | "gross_amount">,
  serverKey: string,
): string =>
  createHash("sha512")
    .update(it.order_id + it.status_code + it.gross_amount + serverKey)
    .digest("hex");

/** @throws {WebhookRejected} */
export function verifyNotification(serverKey: string, rawBody: Buffer): WebhookEvent {
  const json = parsedBody(rawBody);
  const claim = signed.safeParse(json);
  if (!claim.success) throw new WebhookRejected("not signed");
  if (!sameSecret(claim.data.signature_key, signature(claim.data, serverKey)))
    throw new WebhookRejected("the signature is wrong");
  const { success, data: it } = transaction.safeParse(json);
  if (!success) throw new WebhookRejected("signed, but not what midtrans sends");
  // Several refunds of one transaction have the same status.
  const given = it.refunds.map((refund) => refund.refund_key ?? refund.refund_amount);
  const refunds = given.length === 0 ? "" : `:${digest(given.join())}`;
  return {
    ...understood(() => reportOf(it)),
    eventId: `${it.transaction_id}:${it.transaction_status}:${it.status_code}:${it.fraud_status ?? "-"}${refunds}`,
    providerRef: it.order_id,
    paymentId: paymentOf(it.order_id),
    occurredAt: instant(it.settlement_time ?? it.transaction_time),
  };
}

/** Order ids are payment ids, with a number at the end where the first was used up. See open-snap.ts. */
const paymentOf = (orderId: string): string => orderId.slice(0, 36);

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);
