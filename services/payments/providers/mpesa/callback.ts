/**
 * Safaricom's callbacks: the end of a push, or of a reversal. Each is treated as a hint to ask Daraja.
 *
 * Nothing is signed, so a callback counts only as far as Daraja's answer agrees. Only the answer proves that a push
 * is paid, and its amount. The customer can't pay another amount than the requested one. So a callback with
 * another amount is forged or mistaken. It neither pays nor harms the payment, and its receipt is not used. Staff are
 * told. A later callback that agrees is the one that is kept.
 *
 * Limit: the receipt of a callback that agrees is not proven until a reversal of it is made.
 */
import type { Collection } from "mongodb";
import { z } from "zod";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { type Webhook, type WebhookEvent, WebhookRejected } from "../provider.ts";
import { toMinor } from "../support/amounts.ts";
import { parsedBody } from "../support/webhook.ts";
import type { Allowed } from "./allowed-addresses.ts";
import { readCallbackKey } from "./callback-key.ts";
import type { Callback, Push } from "./push.model.ts";
import { refundsOf } from "./report.ts";
import { meaningOf } from "./results.ts";
import { instant } from "./time.ts";

export interface CallbackReceiver {
  pushes: Collection<Push>;
  clock: Clock;
  callbackSecret: string;
  /** Undefined where any address may call. */
  allowed: Allowed | undefined;
}

const code = z.union([z.int(), z.string().max(20)]).transform(String);
const text = z.string().max(1_000).default("");
/** Safaricom's text, shortened to what a payment stores. */
const brief = (words: string): string => words.slice(0, 300);
const MAX_RECEIPT = 40;
const kes = (amount: number) => ({ amount, currency: "KES" });
const value = z.union([z.number(), z.string().max(200)]).optional();

const pushCallback = z.object({
  Body: z.object({
    stkCallback: z.object({
      CheckoutRequestID: z.string().min(1).max(100),
      ResultCode: code,
      ResultDesc: text,
      CallbackMetadata: z
        .object({ Item: z.array(z.object({ Name: z.string().max(50), Value: value })).max(20) })
        .optional(),
    }),
  }),
});
type StkCallback = z.output<typeof pushCallback>["Body"]["stkCallback"];

const reversalResult = z.object({
  Result: z.object({
    ResultCode: code,
    ResultDesc: text,
    ConversationID: z.string().max(150),
    TransactionID: z.string().max(60).optional(),
  }),
});

/** @throws {WebhookRejected} */
export async function receiveCallback(
  it: CallbackReceiver,
  { rawBody, key, address }: Webhook,
): Promise<WebhookEvent> {
  if (it.allowed && !it.allowed(address)) throw new WebhookRejected("not from an allowed address");
  const about = readCallbackKey(it.callbackSecret, key);
  if (!about) throw new WebhookRejected("the address that was called is not ours");
  const body = parsedBody(rawBody);
  return about.refundId === null
    ? pushEnded(it, about.paymentId, body)
    : reversalEnded(it, about.paymentId, about.refundId, body);
}

/** May come before the answer to the push. Then it is the source of Safaricom's number. */
async function pushEnded(
  { pushes, clock }: CallbackReceiver,
  paymentId: string,
  body: unknown,
): Promise<WebhookEvent> {
  const { success, data } = pushCallback.safeParse(body);
  if (!success) throw new WebhookRejected("not a callback of a push");
  const { CheckoutRequestID: checkoutRequestId, ResultCode, ResultDesc } = data.Body.stkCallback;
  const callback = callbackOf(data.Body.stkCallback, clock.now());
  const ours = await pushes.findOneAndUpdate(
    { _id: paymentId, $or: [{ checkoutRequestId }, { checkoutRequestId: { $exists: false } }] },
    { $set: { checkoutRequestId, state: "accepted" } },
  );
  if (!ours) throw new WebhookRejected("not of the push that was sent for this payment");
  const { amount, receipt } = callback;
  const agrees = amount === null || amount === ours.amount;
  // A callback of success is not replaced by one of failure.
  if (agrees)
    await pushes.updateOne({ _id: paymentId, "callback.resultCode": { $ne: "0" } }, { $set: { callback } });
  const { status, reason } = meaningOf(ResultCode);
  return {
    // A callback with another result is another event, whichever came first.
    eventId: [checkoutRequestId, ResultCode, ...(amount === null ? [] : [amount, receipt])].join(":"),
    providerRef: checkoutRequestId,
    paymentId,
    status,
    amount: amount === null ? null : kes(amount),
    receipt: agrees ? receipt : null,
    reason: reason && ResultDesc ? `${reason}: ${brief(ResultDesc)}` : reason,
    refunds: [],
    occurredAt: callback.at,
    ...(agrees ? {} : { mismatch: { expected: kes(ours.amount), reported: kes(amount) } }),
  };
}

function callbackOf({ ResultCode, ResultDesc, CallbackMetadata }: StkCallback, now: number): Callback {
  const items = new Map(CallbackMetadata?.Item.map(({ Name, Value }) => [Name, Value]));
  const paid = ResultCode === "0";
  const amount = paid ? toMinor(items.get("Amount") ?? "", "KES") : null;
  const receipt = items.get("MpesaReceiptNumber");
  if (paid && (amount === null || typeof receipt !== "string" || receipt.length > MAX_RECEIPT))
    throw new WebhookRejected("paid, but without amount or receipt");
  return {
    resultCode: ResultCode,
    resultDesc: ResultDesc,
    amount,
    receipt: paid ? String(receipt) : null,
    at: instant(String(items.get("TransactionDate") ?? "")) ?? new Date(now),
  };
}

async function reversalEnded(
  { pushes, clock }: CallbackReceiver,
  paymentId: string,
  refundId: string,
  body: unknown,
): Promise<WebhookEvent> {
  const { success, data } = reversalResult.safeParse(body);
  if (!success) throw new WebhookRejected("not a result of a reversal");
  const { ResultCode, ResultDesc, ConversationID } = data.Result;
  const succeeded = ResultCode === "0";
  // A late time-out does not undo a success.
  await pushes.updateOne(
    { _id: paymentId, reversals: { $elemMatch: { refundId, status: { $ne: "succeeded" } } } },
    {
      $set: {
        "reversals.$.status": succeeded ? "succeeded" : "failed",
        "reversals.$.failure": succeeded ? null : `${brief(ResultDesc)} (${ResultCode})`,
        "reversals.$.conversationId": ConversationID,
      },
    },
  );
  const push = await pushes.findOne({ _id: paymentId, "reversals.refundId": refundId });
  if (!push?.checkoutRequestId) throw new WebhookRejected("no such reversal");
  return {
    eventId: `${ConversationID}:${ResultCode}`,
    providerRef: push.checkoutRequestId,
    paymentId,
    // A hint only. The provider is asked for the sum.
    status: "partially_refunded",
    amount: null,
    receipt: null,
    reason: null,
    refunds: refundsOf(push).filter((it) => it.refundId === refundId),
    occurredAt: new Date(clock.now()),
  };
}
